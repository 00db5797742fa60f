"""One command, whole: what it needs, what it leaves, and that it can be resumed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from scipy import stats

from kdiqa.models.backbone import Backbone
from kdiqa.training.distillation import Distillation
from tests.runs import STUDENT, TEACHER, train


@pytest.fixture(scope="module")
def teacher(home: Path, common: tuple[str, ...]) -> Path:
    return train(*TEACHER, *common, folder=home / "teacher")


@pytest.fixture(scope="module")
def student(home: Path, common: tuple[str, ...], teacher: Path) -> Path:
    return train(*STUDENT, *common, f"teacher={teacher}", folder=home / "student")


def checkpoint(folder: Path, name: str = "last") -> dict[str, Any]:
    return torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)


def test_run_leaves_all_that_its_numbers_need(student: Path) -> None:
    for name in (
        *("config_resolved.yaml", "provenance.json", "metrics.csv", "results.json"),
        *("checkpoints/best.ckpt", "checkpoints/last.ckpt"),
        *("predictions/val.csv", "predictions/test.csv"),
    ):
        assert (student / name).is_file(), name
    assert len(list((student / "figures").glob("*.png"))) >= 2
    told = json.loads((student / "provenance.json").read_text())
    assert {"command", "git", "versions", "data", "seed", "split"} <= set(told)


def test_reported_numbers_are_those_of_the_stored_rows(student: Path) -> None:
    rows = pd.read_csv(student / "predictions" / "test.csv")
    made = json.loads((student / "results.json").read_text())["metrics"]["test"]
    assert made["n"] == len(rows) == rows["id"].nunique()
    expected = stats.spearmanr(rows["score"], rows["mos"]).statistic
    assert made["srcc"] == pytest.approx(expected, abs=1e-6)
    assert rows["mos"].between(0, 1).all()


def test_every_term_and_weight_is_logged(student: Path) -> None:
    columns = set(pd.read_csv(student / "metrics.csv").columns)
    assert {
        *("train/loss", "train/loss_score", "train/loss_level", "train/weight_distill"),
        *(f"train/weight_level{i}" for i in range(4)),
        *(f"train/loss_level{i}" for i in range(4)),
        *("val/srcc", "val/plcc", "val/krcc", "val/rmse", "teacher/val_srcc"),
        *("kd/agreement_srcc", "optim/lr-head", "optim/lr-level_weights"),
        *("perf/img_per_s", "perf/data_wait"),
    } <= columns


def test_teacher_is_in_no_optimizer_and_no_checkpoint_and_the_distiller_is_in_both(
    student: Path, teacher: Path
) -> None:
    saved = checkpoint(student)
    assert "distiller.weighting.logits" in saved["state_dict"]
    assert not any("teacher" in name for name in saved["state_dict"])
    groups = saved["optimizer_states"][0]["param_groups"]
    assert [group["name"] for group in groups] == ["head", "level_weights"]
    assert groups[1]["weight_decay"] == 0
    trained = sum(len(group["params"]) for group in groups)
    frozen = {n for n in saved["state_dict"] if n.startswith("net.backbone.")}
    assert trained == len(set(saved["state_dict"]) - frozen)
    ours = sum(v.numel() for n, v in saved["state_dict"].items() if n not in frozen)
    moments = saved["optimizer_states"][0]["state"].values()
    assert ours == sum(moment["exp_avg"].numel() for moment in moments)


def test_shared_backbone_runs_once_a_step(
    home: Path, common: tuple[str, ...], teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []
    plain = Backbone.forward

    def counted(self: Backbone, images: Any) -> Any:
        calls.append(torch.is_grad_enabled())
        return plain(self, images)

    monkeypatch.setattr(Backbone, "forward", counted)
    train(
        *STUDENT, *common, f"teacher={teacher}", "trainer.max_epochs=1", "trainer.limit_val_batches=1",
        "trainer.limit_train_batches=3", "trainer.limit_test_batches=1", folder=home / "counted",
    )  # fmt: skip
    # Three steps and one batch of validation in the run; then image by image, once each.
    judged = [
        pd.read_csv(home / "counted" / f"predictions/{part}.csv") for part in ("val", "test")
    ]
    assert len(calls) == 3 + 1 + sum(map(len, judged))


def test_teacher_with_another_backbone_uses_its_own(
    home: Path, common: tuple[str, ...], teacher: Path
) -> None:
    random = (common[0], "module.net.backbone.weights=random", "trainer.max_epochs=1")
    folder = train(*STUDENT, *random, f"teacher={teacher}", folder=home / "other_backbone")
    assert "train/loss_level" in pd.read_csv(folder / "metrics.csv").columns


def test_resumed_run_ends_where_the_whole_run_does(
    home: Path, common: tuple[str, ...], teacher: Path, student: Path
) -> None:
    words = (*STUDENT, *common, f"teacher={teacher}")
    # The schedule is the whole run's: only the end comes early.
    early = (*words, "module.scheduler.T_max=2", "trainer.max_epochs=1")
    folder = train(*early, folder=home / "resumed")
    (folder / "results.json").unlink()
    train(*words, "resume=true", folder=folder)
    a, b = (checkpoint(run) for run in (student, folder))
    torch.testing.assert_close(a["state_dict"], b["state_dict"], rtol=0, atol=0)
    moments = [saved["optimizer_states"][0]["state"] for saved in (a, b)]
    torch.testing.assert_close(*moments, rtol=0, atol=0)
    epochs = pd.read_csv(folder / "metrics.csv")["epoch"]
    assert set(epochs.dropna()) >= {0, 1}


def test_finished_run_is_not_trained_again(
    student: Path, common: tuple[str, ...], teacher: Path
) -> None:
    before = (student / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    train(*STUDENT, *common, f"teacher={teacher}", "resume=true", folder=student)
    assert (student / "checkpoints" / "last.ckpt").stat().st_mtime_ns == before


def test_run_folder_is_not_overwritten(
    student: Path, common: tuple[str, ...], teacher: Path
) -> None:
    message = f"'{student}' already holds a run. Continue it with resume=true, or set run to another folder."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        train(*STUDENT, *common, f"teacher={teacher}", folder=student)


def test_other_teacher_is_refused_on_resume(
    home: Path, common: tuple[str, ...], teacher: Path, student: Path
) -> None:
    other = train(*TEACHER, *common, "seed=1", "trainer.max_epochs=1", folder=home / "teacher1")
    words = (*STUDENT, *common, f"teacher={other}", "resume=true")
    (student / "results.json").rename(student / "results.aside")
    try:
        named = f"(?m)^  teacher: {re.escape(str(teacher))} → {re.escape(str(other))}$"
        with pytest.raises(ValueError, match=named):
            train(*words, folder=student)
        teacher.rename(teacher.with_name("gone"))  # as if it had only been moved
        message = (
            r"^This run began with teacher \w{12} and would resume with \w{12}\. Set teacher to the"
            r" first one's run folder, or start a new run\.$"
        )
        with pytest.raises(ValueError, match=message):
            train(*words, folder=student)
    finally:
        (student / "results.aside").rename(student / "results.json")
        teacher.with_name("gone").rename(teacher)


def test_distillation_needs_no_teacher_digest_to_be_saved_with_weights() -> None:
    callback = Distillation.__new__(Distillation)
    callback.digest = "759f577de3e1"
    message = (
        r"^This run began with teacher 5a47001b5cd5 and would resume with 759f577de3e1. Set teacher"
        r" to the first one's run folder, or start a new run.$"
    )
    with pytest.raises(ValueError, match=message):
        callback.load_state_dict({"teacher": "5a47001b5cd5"})


def test_learnt_scale_is_not_the_reported_one(
    home: Path, common: tuple[str, ...], student: Path
) -> None:
    words = (*STUDENT, *common, "distill=false", "trainer.max_epochs=1", "data.label_scale=zscore")
    folder = train(*words, folder=home / "zscore")
    rows = [pd.read_csv(run / "predictions" / "test.csv") for run in (student, folder)]
    pd.testing.assert_series_equal(rows[0]["mos"], rows[1]["mos"], atol=1e-6)
