"""Parts of no, one and two images: a message before training, or numbers that say how few."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from kdiqa.metrics.correlation import summarize
from kdiqa.report.command import main as report
from tests.fakes import noisy, picture, write, write_csv
from tests.runs import train

TINY = (
    *("data=folder", "backbone=log_filters", "module.net.depth=1", "distill=false"),
    *("module.net.distorted_depth=1", "module.net.dim=4", "num_crops=1", "crop_size=48"),
    *("data.num_workers=0", "data.batch_size=8", "trainer=cpu", "trainer.max_epochs=2"),
    *("callbacks.progress=null",),
)


def folder(root: Path, train: int, val: int, test: int) -> Path:
    """Writes a user's folder with so many images in each part."""
    parts = ["train"] * train + ["val"] * val + ["test"] * test
    rows: list[tuple[object, ...]] = [("image", "mos", "split")]
    for place, part in enumerate(parts):
        write(root / f"{place}.png", noisy(picture(place), 10.0 * place, place))
        rows.append((f"{place}.png", 1 - place / len(parts), part))
    write_csv(root / "labels.csv", rows)
    return root


@pytest.mark.parametrize("count", [1, 2])
def test_parts_of_one_and_two_images_are_trained_on_measured_and_reported(
    count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path / "pictures", count, count, count)
    run = train(*TINY, f"data.root={root}", folder=tmp_path / "run")
    made = json.loads((run / "results.json").read_text())["metrics"]["test"]
    rows = pd.read_csv(run / "predictions" / "test.csv")
    assert made["n"] == len(rows) == count
    assert made["fit_ok"] == made["fit5_ok"] == 0  # a curve through two points is none
    assert round(made["srcc"], 9) in ((0.0,) if count == 1 else (-1.0, 0.0, 1.0))
    assert made["rmse"] == pytest.approx(((rows["score"] - rows["mos"]) ** 2).mean() ** 0.5)
    assert report([str(run)]) == 0
    assert "| student |" in report_of(run, capsys)


def report_of(run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert report([str(run), "--markdown", "--no-figures"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (
            (3, 1, 0),
            "4 images of 4 contents, split by official, leave a subset empty: 3 train, 1 val, 0 test.",
        ),
        (
            (0, 2, 2),
            "4 images of 4 contents, split by official, leave a subset empty: 0 train, 2 val, 2 test.",
        ),
    ],
)
def test_an_empty_part_is_told_before_training(
    counts: tuple[int, int, int], message: str, tmp_path: Path
) -> None:
    root = folder(tmp_path / "pictures", *counts)
    message += (
        "\nAdd images, or set data.split_by or data.ratios (now [0.7, 0.1, 0.2]) so that each subset"
        " has some."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        train(*TINY, f"data.root={root}", folder=tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize("count", [1, 2])
def test_measures_of_one_and_two_rows_are_numbers(count: int) -> None:
    made = summarize([0.2, 0.6][:count], [0.1, 0.9][:count])
    correlation = 0.0 if count == 1 else 1.0
    names = ("srcc", "plcc", "krcc", "plcc_fit", "plcc_fit5")
    assert [made[name] for name in names] == pytest.approx([correlation] * 5)
    assert made["rmse"] == made["rmse_fit"] == made["rmse_fit5"]
