"""A plan asks classes what they can do, builds what it may, and reads its teacher once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.instantiate import ALLOWED
from kdiqa.training.plan import Plan
from tests import sskd
from tests.runs import STUDENT, TEACHER, composed, one_step, planned, train, write_weights
from tests.training import own

ALLOW = "allow=[tests.training.own]"
BINS = (
    "net=pooled_bins",
    "distiller=soft_bins",
    "module.net.head._target_=tests.training.own.OwnHead",
)
MODULE = "module._target_=tests.training.own.OwnModule"
LOSS = ("module/loss=labelled", "module.loss._target_=tests.training.own.OwnLoss")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> tuple[str, ...]:
    weights = write_weights(tmp_path_factory.mktemp("plan") / "weights.pth")
    return (f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}")


@pytest.fixture(scope="module")
def soft_teacher(tmp_path_factory: pytest.TempPathFactory, root: tuple[str, ...]) -> Path:
    folder = tmp_path_factory.mktemp("plan") / "soft"
    words = ("trainer.max_epochs=1", *LOSS[:1], "data.labelled=0.5")
    return train(*sskd.TEACHER, *root, *words, folder=folder)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory, root: tuple[str, ...]) -> Path:
    folder = tmp_path_factory.mktemp("plan") / "teacher"
    return train(*TEACHER, *root, "trainer.max_epochs=1", folder=folder)


def refused(message: str, *words: str, folder: Path) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        planned(*words, folder=folder)


def test_a_users_own_loss_head_and_module_pass_the_checks_that_ours_pass(
    root: tuple[str, ...], soft_teacher: Path, tmp_path: Path
) -> None:
    words = (*sskd.STUDENT, *root, *BINS, *LOSS, MODULE, ALLOW, f"teacher={soft_teacher}")
    words = (*words, "data.labelled=0.5")
    module = one_step(*words, folder=tmp_path / "run")
    assert type(module) is own.OwnModule
    assert (type(module.loss), type(module.net.head)) == (own.OwnLoss, own.OwnHead)
    assert Plan.of(composed(*words, folder=tmp_path / "run"), tmp_path / "run").soft_labels
    plain = Plan.of(composed(*words, "distill=false", folder=tmp_path / "b"), tmp_path / "b")
    assert not {"soft", "hint"} & set(plain.cfg.module)
    assert not plain.distils
    refused(
        "The student's bins lie in [0, 1] (net=pooled_bins), and its labels do not"
        " (data.label_scale=zscore). Set data.label_scale=unit.",
        *(*words, "data.label_scale=zscore"),
        folder=tmp_path / "c",
    )


@pytest.mark.parametrize("target", ["tests.training.own.OwnLoss", "tests.training.own.build"])
def test_what_no_person_has_allowed_is_not_built(
    target: str, root: tuple[str, ...], tmp_path: Path
) -> None:
    known = (*ALLOWED, "tests.training.own.") if target.endswith("build") else ALLOWED
    message = (
        f"The configuration asks for '{target}', which is none of the classes that may be built:"
        f" of {', '.join(known)}. See where it comes from before you run it; a class of your own"
        " package is built where you type allow=[mypackage]."
    )
    typed = [ALLOW] if target.endswith("build") else []  # of other packages: only classes
    words = (*sskd.TEACHER, *root, *LOSS[:1], f"module.loss._target_={target}", *typed)
    refused(message, *words, folder=tmp_path / "run")


def test_a_file_allows_itself_nothing(root: tuple[str, ...], tmp_path: Path) -> None:
    cfg = composed(*sskd.TEACHER, *root, folder=tmp_path)
    cfg.allow = ["mypackage"]  # as an experiment's file would set it
    message = (
        "A configuration file allows itself classes of mypackage (allow). Look at what it builds,"
        " take allow out of the file, and type allow=[mypackage]."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Plan.of(cfg, tmp_path)


@pytest.mark.parametrize("features", ["online", "cached"])
def test_a_run_reads_its_teacher_once(
    features: str,
    root: tuple[str, ...],
    teacher: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = counted(teacher, monkeypatch)
    words = (f"teacher={teacher}", f"features={features}", "trainer.max_epochs=1")
    train(*STUDENT, *root, *words, folder=tmp_path / "run")
    assert reads == [teacher / "checkpoints" / "best.ckpt"]


def test_a_run_of_soft_targets_and_a_hint_reads_its_teacher_once(
    root: tuple[str, ...], soft_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = counted(soft_teacher, monkeypatch)
    hint = ("distiller=soft_hint", "module.hint.teacher_dim=16", "module.hint.student_dim=64")
    words = (*root, *hint, f"teacher={soft_teacher}", "trainer.max_epochs=1")
    train(*sskd.STUDENT, *words, folder=tmp_path / "run")
    assert reads == [soft_teacher / "checkpoints" / "best.ckpt"]


def test_a_plan_holds_no_words_of_what_its_run_does_not_build(tmp_path: Path) -> None:
    words = ("experiment=sskd_koniq", "module=student", "distiller=score", "teacher=/a/run")
    online = Plan.of(composed(*words, folder=tmp_path), tmp_path).cfg
    assert "distillation" in online.callbacks
    assert "soft_targets" not in online.callbacks  # whose crops the experiment sets
    assert "cache" not in online
    cached = Plan.of(composed(*words, "features=cached", folder=tmp_path), tmp_path).cfg
    assert cached.cache.views == 1


def counted(teacher: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Returns a list that gets the path of every checkpoint of a teacher that torch reads."""
    import torch

    reads: list[Path] = []
    load = torch.load

    def counting(file: object, *rest: object, **options: object) -> object:
        if isinstance(file, str | Path) and Path(file).is_relative_to(teacher):
            reads.append(Path(file))
        return load(file, *rest, **options)

    monkeypatch.setattr(torch, "load", counting)
    assert Checkpoint.read(teacher).path == reads.pop()
    return reads
