"""GAN-IQA-KD from end to end: every switch takes a real step, and a student's life from training to use."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import kdiqa
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.record import Record
from tests.fakes import picture
from tests.runs import BACKBONE, one_step, train
from tests.synchronisation import watched
from tests.training.test_ablations import HOT

SMALL = (
    f"module.net.backbone.name={BACKBONE}",
    "module.net.backbone.pyramid.levels=4",
    "module.net.backbone.pyramid.grid=5",
    "module.net.backbone.options={}",
    "module.net.dim=32",
    "module.net.attention.key_dim=4",
    "module.net.attention.window=3",
    "num_crops=2",
    "num_test_crops=2",
    "crop_size=32",
    "data.num_workers=0",
    "data.batch_size=8",
    "trainer=cpu",
    "trainer.max_epochs=2",
    "trainer.check_val_every_n_epoch=1",
    "callbacks.progress=null",
    "features=online",
)
TEACHER = ("experiment=teacher_ganiqa_tid2013", *SMALL)
STUDENT = ("experiment=ganiqa_tid2013", *SMALL)
NO_ATTENTION = "module.net.attention=null"
WITHOUT_ATTENTION = [word for word in SMALL if "attention" not in word]
SWITCHES: dict[str, tuple[str, ...]] = {
    "no cascade": ("module.net.attention.cascade=false",),
    "no semantic branch": ("module.net.semantic=false",),
    "no noise": ("second/noise=[]",),
    "Gaussian noise only": ("second/noise=jnd", "data.pairs.shown.noticeable=0"),
    "noise of the threshold only": ("data.pairs.shown.deviation=0",),
    "no distillation": ("distill=false", "module.loss.weight=1"),
    "hard targets only": (
        *("module.loss.weight=1", "module.distiller.factors.soft=0"),
        "module.distiller.factors.features=0",
    ),
    "soft targets only": ("module.loss.weight=0", "module.distiller.factors.soft=1"),
    "soft labels as bins": ("distiller=ganiqa_bins",),
    "trusted soft targets": ("module.distiller.distillers.soft.max_spread=0.1",),
    "difference of the teacher": ("module.distiller.distillers.features.feature=difference",),
    "student with the reference": ("second=reference", "module.pair=[shown,second]"),
    "teacher of the image as it is": ("distiller/teacher_pair=ref",),
    "own crops at positions turned": (
        "+data.train_crops.transforms=[{_target_: albumentations.RandomRotate90, p: 0.5}]",
    ),
    "fine-tuned": ("module.net.backbone.frozen=false",),
}
TEACHER_SWITCHES: dict[str, tuple[str, ...]] = {
    "no cascade": ("module.net.attention.cascade=false",),
    "no semantic branch": ("module.net.semantic=false",),
    "asked by the difference": ("module.net.query=diff",),
    "two layers": ("module.net.layers=2",),
    **{f"JND {mode}": (f"second/noise={mode}",) for mode in ("[]", "shrink", "weight", "perturb")},
    "padded windows": ("module.net.attention.window=4",),
    "mean of the last epochs": ("callbacks=swa", "callbacks.swa.begin=1"),
}


@pytest.fixture(scope="module")
def teacher(home: Path, common: tuple[str, ...]) -> Path:
    return train(*TEACHER, *common, "trainer.max_epochs=1", folder=home / "teacher")


@pytest.fixture(scope="module")
def student(home: Path, common: tuple[str, ...], teacher: Path) -> Path:
    words = (*STUDENT, *common, f"teacher={teacher}")
    return train(*words, "compare=null", folder=home / "student")


def step(words: tuple[str, ...], folder: Path) -> Any:
    module = one_step(*words, folder=folder)
    assert all(math.isfinite(value) for value in module.terms.values()), module.terms
    return module


@pytest.mark.parametrize("name", SWITCHES)
def test_switch_of_the_student_takes_a_step_that_waits_for_no_value(
    name: str,
    common: tuple[str, ...],
    teacher: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for owner, hook in HOT:
        monkeypatch.setattr(owner, hook, watched(getattr(owner, hook)))
    module = step((*STUDENT, *common, f"teacher={teacher}", *SWITCHES[name]), tmp_path / "run")
    keys = {"train/loss_score", "train/loss_soft_score", "train/loss_features"} & set(module.terms)
    total = sum(module.terms[key] for key in keys) + module.terms.get("train/loss_soft_bins", 0)
    assert module.terms["train/loss"] == pytest.approx(total, rel=1e-4)
    assert (module.distiller is None) == ("distill=false" in SWITCHES[name])


@pytest.mark.parametrize("name", TEACHER_SWITCHES)
def test_switch_of_the_teacher_takes_a_step(
    name: str, common: tuple[str, ...], tmp_path: Path
) -> None:
    step((*TEACHER, *common, *TEACHER_SWITCHES[name]), tmp_path / "run")


@pytest.mark.parametrize("experiment", ["teacher_ganiqa_tid2013", "ganiqa_tid2013"])
def test_no_attention_is_a_step_too(
    experiment: str, common: tuple[str, ...], teacher: Path, tmp_path: Path
) -> None:
    words = (f"experiment={experiment}", *WITHOUT_ATTENTION, *common, NO_ATTENTION)
    module = step((*words, f"teacher={teacher}"), tmp_path / "run")
    assert not any("attention" in name for name, _ in module.net.read.named_parameters())


def test_a_held_back_opinion_cannot_change_what_is_learnt(
    common: tuple[str, ...], fake_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = TID2013(fake_data / "tid2013", labelled=0.5)
    data.setup()
    labelled = set(data.labelled())
    hidden = set(data.positions("train")) - labelled
    read = TID2013.read

    def learnt(changed: set[int]) -> dict[str, torch.Tensor]:
        names = {data.records[index].image.name for index in changed}

        def falsified(self: TID2013) -> Iterator[Record]:
            for record in read(self):
                yield replace(record, mos=9 - record.mos) if record.image.name in names else record

        monkeypatch.setattr(TID2013, "read", falsified)
        words = (*STUDENT, *common, "distill=false", "data.labelled=0.5")
        return step(words, tmp_path / "run").state_dict()

    plain = learnt(set())
    torch.testing.assert_close(learnt(hidden), plain, rtol=0, atol=0)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(learnt(labelled), plain, rtol=0, atol=0)


def test_opinions_held_back_need_a_loss_that_leaves_them_out(
    common: tuple[str, ...], tmp_path: Path
) -> None:
    message = (
        "data.labelled=0.5 masks labels, and module.loss"
        " (kdiqa.training.losses.ScoreLoss) needs all of them. Set module/loss=labelled."
    )
    words = (*STUDENT, *common, "distill=false", "data.labelled=0.5", "module/loss=score")
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        one_step(*words, folder=tmp_path / "run")


def test_a_teacher_that_knows_what_is_held_back_is_refused(
    common: tuple[str, ...], teacher: Path, tmp_path: Path
) -> None:
    words = (*STUDENT, *common, f"teacher={teacher}", "data.labelled=0.25")
    message = (
        "This run masks the labels of all but 0.25 of its training images, and its teacher"
        " has learnt from 1 of those of split 0: its scores would reveal what is masked.\nTrain the"
        " teacher with data.labelled=0.25 split=0, or set teacher=train."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        one_step(*words, folder=tmp_path / "run")


def test_what_a_finished_student_leaves_scores_any_photograph_without_a_reference(
    student: Path,
) -> None:
    scorer = kdiqa.load(student)
    score = scorer.score(picture(3))
    assert 0 <= score <= 1
    assert scorer.score(picture(3)) == score
    assert scorer.pair == ("shown",)
    content = Checkpoint.read(student).content
    assert not any("teacher" in key for key in content["state_dict"])
    assert any(
        key.startswith("distiller.distillers.features.adapters") for key in content["state_dict"]
    )


def test_its_rows_are_scored_without_noise(student: Path) -> None:
    rows = pd.read_csv(student / "predictions" / "test.csv")
    scorer = kdiqa.load(student, seed_by="name")
    cfg = Checkpoint.read(student).description["config"]
    root = Path(
        next(line.split(": ")[1] for line in cfg.splitlines() if line.startswith("  root:"))
    )
    names = {path.name: path for path in root.rglob("*.bmp")} | {
        path.name: path for path in root.rglob("*.BMP")
    }
    row = rows.iloc[0]
    path = names[Path(row["id"]).name]
    assert scorer.score(path) == pytest.approx(float(np.clip(row["score"], 0, 1)), abs=1e-5)


def test_a_student_that_was_stopped_goes_on_as_if_it_had_not_been(
    home: Path, common: tuple[str, ...], teacher: Path, student: Path
) -> None:
    words = (*STUDENT, *common, f"teacher={teacher}", "compare=null")
    stopped = train(
        *words, "trainer.max_epochs=1", "module.scheduler.T_max=2", folder=home / "stopped"
    )
    (stopped / "results.json").unlink()
    train(*words, "resume=true", folder=stopped)
    ours, theirs = (
        Checkpoint.read(run / "checkpoints" / "last.ckpt").content for run in (stopped, student)
    )
    for name, value in theirs["state_dict"].items():
        torch.testing.assert_close(ours["state_dict"][name], value, rtol=0, atol=0)


def test_kept_features_serve_student_and_teacher_alike(
    home: Path, common: tuple[str, ...], teacher: Path, tmp_path: Path
) -> None:
    cached = ("features=cached", "cache.views=2", f"cache.folder={tmp_path / 'features'}")
    words = [word for word in STUDENT if word != "features=online"]
    run = train(
        *words, *common, f"teacher={teacher}", "compare=null", *cached, "trainer.max_epochs=1",
        folder=tmp_path / "run",
    )  # fmt: skip
    metrics = pd.read_csv(run / "metrics.csv")
    assert metrics["train/loss_features"].dropna().gt(0).all()


def test_student_of_authentic_photographs_takes_a_step(
    fake_data: Path, common: tuple[str, ...], tmp_path: Path
) -> None:
    small = [word for word in SMALL if "check_val" not in word and "num_" not in word]
    small += ["data.num_workers=0", "data.train_crops.size=32", "data.test_crops.size=32"]
    words = ("experiment=ganiqa_biq2021", *small, common[1], f"data.root={fake_data / 'biq2021'}")
    step((*words, "data.guard=warn", "distill=false"), tmp_path / "run")
