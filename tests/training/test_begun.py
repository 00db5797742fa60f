"""A run that resumes is the run that stopped, or it does not resume."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from kdiqa.data.images.read import read_rgb
from kdiqa.training.begun import MAY_CHANGE
from kdiqa.training.jobs import job
from tests import sskd
from tests.fakes import write
from tests.runs import STUDENT, planned, train
from tests.waiting import PATIENCE

ALONE = (*STUDENT, "distill=false")
STEPS = ("module/scheduler=warmup_steps",)  # a schedule that does not reach over the run


@pytest.fixture(scope="module")
def stopped(home: Path, common: tuple[str, ...]) -> Path:
    """Returns a run that ended after two epochs, and did not come to its test."""
    folder = train(*ALONE, *common, *STEPS, folder=home / "stopped")
    (folder / "results.json").rename(folder / "results.aside")
    return folder


def refused(folder: Path, *words: str) -> str:
    with pytest.raises(ValueError, match="was begun otherwise") as error:
        planned(*words, "resume=true", folder=folder)
    return str(error.value)


def differences(folder: Path, *words: str) -> list[str]:
    return re.findall(r"^  (.*)$", refused(folder, *words), re.MULTILINE)


def test_one_message_names_all_that_is_another(stopped: Path, common: tuple[str, ...]) -> None:
    changed = (
        *("split=3", "seed=7", "module.optimizer.lr=0.5", "trainer.precision=64-true"),
        *("data.batch_size=4", "data.guard=warn", "num_crops=3"),
    )
    message = refused(stopped, *ALONE, *common, *STEPS, *changed)
    first, *lines, last = message.split("\n")
    assert first == (
        f"The run in '{stopped}' was begun otherwise, and would not go on as the same run:"
    )
    known = {line.strip().partition(": ")[0]: line.partition(": ")[2] for line in lines}
    digests = known.pop("labels or split, by digest")
    assert re.fullmatch(r"[0-9a-f]{12} → [0-9a-f]{12}", digests)
    assert {key: known[key] for key in ("split", "seed", "trainer.precision")} == {
        "split": "0 → 3",
        "seed": "0 → 7",
        "trainer.precision": "32-true → 64-true",
    }
    assert {"data.batch_size", "data.guard", "num_crops", "module.optimizer.lr"} <= known.keys()
    assert last == (
        "Set these as they were, or run to another folder, for a new run. Epochs, devices, workers,"
        " the logger, and where the same data lie may change."
    )


@pytest.mark.parametrize(
    "words",
    [
        *(("trainer.max_epochs=5",), ("trainer=ddp", "trainer.devices=2"), ("pool=/p",)),
        *(("data.num_workers=1", "data.prefetch_factor=4"), ("trainer.profiler=simple",)),
        *(("logger=wandb",), ("cache.folder=/elsewhere",), ("compare={a:['seed=1']}",)),
    ],
)
def test_what_is_on_the_list_may_change(
    stopped: Path, common: tuple[str, ...], words: tuple[str, ...]
) -> None:
    keys = {word.partition("=")[0] for word in words}
    assert all(any(pattern.startswith(key) for pattern in MAY_CHANGE) for key in keys - {"logger"})
    planned(*ALONE, *common, *STEPS, *words, "resume=true", folder=stopped)


def test_the_same_data_may_lie_elsewhere_and_no_other(
    stopped: Path, common: tuple[str, ...], tmp_path: Path
) -> None:
    data = tmp_path / "moved"
    shutil.copytree(common[0].removeprefix("data.root="), data)
    words = (*ALONE, *common, *STEPS, f"data.root={data}")
    planned(*words, "resume=true", folder=stopped)

    image = next((data / "distorted_images").iterdir())
    kept = image.read_bytes()
    write(image, 255 - read_rgb(image))
    (line,) = differences(stopped, *words)
    assert re.fullmatch(r"images, by digest: [0-9a-f]{12} → [0-9a-f]{12}", line)

    image.write_bytes(kept)
    planned(*words, "resume=true", folder=stopped)
    reference = next((data / "reference_images").iterdir())
    table = data / "mos_with_names.txt"
    table.write_text(table.read_text().replace("5.", "4.", 1))
    (line,) = differences(stopped, *words)
    assert re.fullmatch(r"labels or split, by digest: [0-9a-f]{12} → [0-9a-f]{12}", line)
    assert reference.is_file()


def test_a_schedule_that_ends_with_the_run_is_not_begun_anew(
    home: Path, common: tuple[str, ...]
) -> None:
    folder = train(*ALONE, *common, "trainer.max_epochs=1", folder=home / "cosine")
    (folder / "results.json").unlink()
    message = refused(folder, *ALONE, *common, "trainer.max_epochs=6")
    shown = "trainer.max_epochs: 1 → 6\n  module.scheduler.T_max: 1 → 6"
    assert sorted(message.split("\n")[1:3]) == sorted(
        f"  {line.strip()}" for line in shown.split("\n")
    )
    advice = (
        "Made for 1 epochs: module.scheduler.T_max. To train longer, begin a new run from its"
        f" weights: start='{folder / 'checkpoints' / 'last.ckpt'}'."
    )
    assert message.split("\n")[3] == advice
    # T_max as it was: the rate would climb back from its end.
    words = ("trainer.max_epochs=6", "module.scheduler.T_max=1")
    assert differences(folder, *ALONE, *common, *words) == ["trainer.max_epochs: 1 → 6"]


def test_a_weight_that_goes_by_the_share_of_the_run_keeps_its_epochs(
    home: Path, common: tuple[str, ...]
) -> None:
    teacher = train(*sskd.TEACHER, *common, "trainer.max_epochs=1", folder=home / "sskd_teacher")
    words = (*sskd.STUDENT, *common, *STEPS, f"teacher={teacher}", "trainer.max_epochs=1")
    falling = (*words, "module.alpha.end=0.2")
    folder = train(*falling, folder=home / "falling")
    (folder / "results.json").unlink()
    assert differences(folder, *falling, "trainer.max_epochs=2") == ["trainer.max_epochs: 1 → 2"]
    assert "Made for 1 epochs: module.alpha." in refused(folder, *falling, "trainer.max_epochs=2")
    steady = train(*words, folder=home / "steady")
    (steady / "results.json").unlink()
    planned(*words, "trainer.max_epochs=2", "resume=true", folder=steady)


def test_a_finished_job_that_was_begun_otherwise_is_not_taken_for_another(
    stopped: Path, common: tuple[str, ...]
) -> None:
    (stopped / "results.aside").rename(stopped / "results.json")
    try:
        job("alone", [*ALONE, *common, *STEPS], stopped)
        with pytest.raises(ValueError, match=r"(?m)^  seed: 0 → 1$"):
            job("alone", [*ALONE, *common, *STEPS, "seed=1"], stopped)
    finally:
        (stopped / "results.json").rename(stopped / "results.aside")


@pytest.mark.process
def test_a_finished_run_changes_no_file(tmp_path: Path, common: tuple[str, ...]) -> None:
    folder = tmp_path / "a run"
    words = [*ALONE, *common, "trainer.max_epochs=1", f"run='{folder}'", "resume=true"]

    def command(*more: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "kdiqa.train", *words, *more]
        return subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def state() -> dict[str, tuple[int, bytes]]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in files}

    done = command()
    assert done.returncode == 0, done.stderr
    before = state()
    assert {".hydra", "config_resolved.yaml", "results.json"} <= {p.name for p in folder.iterdir()}
    again = command()
    assert again.returncode == 0, again.stderr
    assert "had finished: nothing was trained." in " ".join(again.stdout.split())
    assert state() == before
    for other in (["split=3"], ["trainer.max_epochs=9"], ["seed=99", "module.optimizer.lr=0.5"]):
        wrong = command(*other)
        assert wrong.returncode == 1
        assert f"{other[0].partition('=')[0]}: " in wrong.stderr
        assert "Traceback" not in wrong.stderr
        assert state() == before
    longer = command("trainer.max_epochs=9").stderr
    assert "It finished after 1 epochs, and nothing was trained now. To train longer," in longer


def test_losses_do_not_depend_on_how_a_step_is_cut_into_batches(
    home: Path, common: tuple[str, ...]
) -> None:
    losses = {}
    for size, number in ((8, 1), (4, 2), (2, 4)):
        words = (f"data.batch_size={size}", f"trainer.accumulate_grad_batches={number}")
        words += ("trainer.max_epochs=3", "backbone=log_filters", "module.net.dim=4")
        words += ("crop_size=48", "num_crops=1", "data.fraction=0.7")
        plain = [
            word for word in ALONE if not word.startswith(("backbone=", "module.net.backbone"))
        ]
        folder = train(*plain, common[0], *words, folder=home / f"step{size}")
        losses[size] = pd.read_csv(folder / "metrics.csv")["train/loss"].dropna().to_numpy()
        told = json.loads((folder / "results.json").read_text())
        assert told["epochs"] == 3
    count = len(pd.read_csv(home / "step8" / "split.csv").query("split == 'train'"))
    assert round(0.7 * count) % 8 not in (0, 4)  # the last step and the last batch are short
    assert losses[8][2] != losses[8][0]
    for size in (4, 2):
        assert losses[size] == pytest.approx(losses[8], abs=1e-5)
