"""Folders of any name, read-only, behind links: the whole way from training to a score."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from kdiqa import evaluate
from kdiqa.config.compose import quoted
from kdiqa.predict import main as predict
from kdiqa.report.command import main as report
from tests.runs import train
from tests.waiting import PATIENCE

ODD = "Bilder ü'ß 日本 = 1,2"  # a space, an apostrophe, what is not ASCII, what Hydra reads as grammar
TINY = (
    *("data=tid2013", "backbone=log_filters", "module.net.depth=1", "distill=false"),
    *("module.net.distorted_depth=1", "module.net.dim=4", "num_crops=1", "crop_size=48"),
    *("data.num_workers=0", "data.batch_size=8", "trainer=cpu", "trainer.max_epochs=1"),
    *("callbacks.progress=null", "features=cached"),
)


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def the_whole_way(root: Path, home: Path) -> None:
    """Trains, evaluates, reports and predicts, and asserts what each leaves."""
    run = home / "run"
    train(
        *(*TINY, f"data.root={quoted(root)}", f"cache.folder={quoted(home / 'features')}"),
        folder=run,
    )
    assert (run / "results.json").is_file()
    given = {"run": str(run), "data": "tid2013", "root": {"tid2013": str(root)}}
    command = OmegaConf.merge(OmegaConf.structured(evaluate.Command), given)
    (folder,) = evaluate.run(command).values()
    assert (folder / "results.json").is_file()
    assert report([str(run), "-o", str(home / "page ü.html")]) == 0
    assert (home / "page ü.html").is_file()
    pictures = sorted((root / "distorted_images").iterdir())[:3]
    scores = home / "scores ü.csv"
    words = [*map(str, pictures), "--model", str(run), "-o", str(scores), "--workers", "0"]
    assert predict(words) == 0
    with scores.open(newline="") as file:
        assert [row["image"] for row in csv.DictReader(file)] == [str(path) for path in pictures]


def test_folders_may_have_any_name(tmp_path: Path, fake_data: Path) -> None:
    home = tmp_path / ODD
    shutil.copytree(fake_data / "tid2013", home / "tid2013")
    the_whole_way(home / "tid2013", home)


def test_data_may_be_read_only_and_behind_links(tmp_path: Path, fake_data: Path) -> None:
    store, linked, home = tmp_path / "store", tmp_path / "linked", tmp_path / "home"
    shutil.copytree(fake_data / "tid2013", store)
    (linked / "distorted_images").mkdir(parents=True)
    for path in store.iterdir():
        if path.is_file() or path.name != "distorted_images":
            (linked / path.name).symlink_to(path)
    for path in (store / "distorted_images").iterdir():
        (linked / "distorted_images" / path.name).symlink_to(path)
    home.mkdir()
    (tmp_path / "runs").symlink_to(home)
    for path in [store, *store.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    before = tree(store), sorted(path.name for path in linked.rglob("*"))
    the_whole_way(linked, tmp_path / "runs")
    assert (tree(store), sorted(path.name for path in linked.rglob("*"))) == before
    for path in [store, *store.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)


@pytest.mark.process
def test_the_command_line_takes_any_folder_too(tmp_path: Path, fake_data: Path) -> None:
    home = tmp_path / ODD
    home.mkdir()
    root = home / "tid2013"
    root.symlink_to(fake_data / "tid2013")
    words = (*TINY, f"data.root={quoted(root)}", f"cache.folder={quoted(home / 'features')}")
    command = [sys.executable, "-m", "kdiqa.train", *words, f"run={quoted(home / 'run')}"]
    done = subprocess.run(
        command, cwd=home, capture_output=True, text=True, check=False, timeout=PATIENCE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (home / "run" / "results.json").is_file()
    assert sorted(path.name for path in home.iterdir()) == ["features", "run", "tid2013"]
