"""The studies of AKD-IQA take real steps on fakes in the official layouts."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
import torch

from kdiqa.data.readers.kadid10k import KADID10k
from kdiqa.data.splits.leaks import LeakError
from tests.runs import TEACHER, TINY, one_step, train, write_weights

PAIRS = [
    ("bid", "koniq10k livec"),
    ("csiq", "live tid2013"),
    ("kadid10k", "csiq koniq10k live livec tid2013"),
    ("koniq10k", "bid livec"),
    ("live", "csiq tid2013"),
    ("livec", "bid koniq10k"),
    ("tid2013", "csiq live"),
]
WITHIN = ("csiq", "kadid10k", "koniq10k", "live", "livec", "tid2013")
STUDENTS = {
    **{f"akd {name}": ("experiment=akd_koniq", f"data={name}") for name in WITHIN},
    **{
        f"{one} to {other}": (
            "experiment=crossdataset",
            f"data@data.train_on={one}",
            f"data@data.test_on={other}",
        )
        for one, many in PAIRS
        for other in many.split()
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> Path:
    """Returns a folder with weights and a teacher of the KADID-10k fakes, split 0."""
    folder = tmp_path_factory.mktemp("experiments")
    write_weights(folder / "weights.pth")
    words = [word for word in TEACHER if word != "data=tid2013"]
    weights = f"module.net.backbone.weights='{folder / 'weights.pth'}'"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDIQA_DATA", str(fake_data))
        train("data=kadid10k", *words, weights, "trainer.max_epochs=1", folder=folder / "teacher")
    return folder


def step(folder: Path, *words: str) -> float:
    tiny = (*TINY, f"module.net.backbone.weights='{folder / 'weights.pth'}'", "data.batch_size=4")
    module = one_step(*words, *tiny, folder=folder / "run")
    return module.terms["train/loss"]


# The fakes share their pictures, so that the teacher has seen what is tested: warn.
@pytest.mark.parametrize("name", STUDENTS)
def test_a_student_takes_a_step(
    name: str, folder: Path, fake_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_DATA", str(fake_data))
    words = (*STUDENTS[name], f"teacher='{folder / 'teacher'}'", "data.guard=warn")
    assert math.isfinite(step(folder, *words))


def test_the_teacher_takes_a_step(
    folder: Path, fake_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_DATA", str(fake_data))
    assert math.isfinite(step(folder, "experiment=teacher_kadid10k"))


def test_a_run_stores_its_split_and_what_its_teacher_has_seen(
    folder: Path, fake_data: Path
) -> None:
    data = KADID10k(fake_data / "kadid10k")
    data.setup()
    with (folder / "teacher" / "split.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["split"] for row in rows] == data.assignment.subsets
    assert [row["image"] for row in rows] == [record.name for record in data.records]
    kept = torch.load(folder / "teacher" / "checkpoints" / "best.ckpt", weights_only=True)
    seen = {content["content"] for content in kept["kdiqa"]["contents"]}
    held_out = {data.records[place].content for place in data.positions("test")}
    assert seen == {record.content for record in data.records} - held_out
    assert kept["kdiqa"]["data"]["digest"] == data.digest


def test_a_student_of_another_split_than_its_teachers_is_stopped(
    folder: Path, fake_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_DATA", str(fake_data))
    words = ("experiment=akd_koniq", "data=kadid10k", f"teacher='{folder / 'teacher'}'")
    assert math.isfinite(step(folder, *words, "split=0"))
    message = (
        r"^The teacher has learnt from 1 of 1 test images: '\S+'\.\nTrain one that has not, with this run's split, or set data\.guard=warn to go on and say"
        r" so next to the numbers\.$"
    )
    with pytest.raises(LeakError, match=message):
        step(folder, *words, "split=1")


def test_a_student_is_trained_across_data_sets_from_kept_features(
    folder: Path, fake_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_DATA", str(fake_data))
    run = train(
        "experiment=crossdataset", "data@data.train_on=tid2013", "data@data.test_on=live",
        "distill=false", "second=redistorted",
        "features=cached", f"cache.folder='{folder / 'features'}'", *TINY,
        f"module.net.backbone.weights='{folder / 'weights.pth'}'", "trainer.max_epochs=1",
        folder=folder / "crossed",
    )  # fmt: skip
    assert (run / "results.json").is_file()
    with (run / "predictions" / "test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["content"].partition("/")[0] for row in rows} == {"live"}
    assert all(not Path(row["id"]).is_absolute() for row in rows)
