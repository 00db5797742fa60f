"""Every switch of METHODS 2.7 takes a real step, by configuration alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from lightning.pytorch.trainer import setup

from bench.step_times import StepTimes
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.training.distillation import Distillation
from kdiqa.training.student import StudentModule
from tests.fakes import picture, write
from tests.runs import STUDENT, TEACHER, one_step, train, write_weights
from tests.synchronisation import watched

# What runs in every step; what runs at an epoch's end may look at values.
HOT = (
    (Distillation, "on_train_batch_start"),
    (Distillation, "on_train_batch_end"),
    (StudentModule, "training_step"),
)
SWITCHES: dict[str, tuple[str, ...]] = {
    # A: how levels are weighed
    "A0 no distillation": ("distill=false",),
    "A1 single level": ("module.distiller.levels=[2]", "distiller/weighting=uniform"),
    "A2 uniform": ("distiller/weighting=uniform",),
    "A3 fixed": ("distiller/weighting=fixed",),
    **{
        f"A4 {name}": (f"distiller/weighting={name}",)
        for name in [
            "softmax",
            "softplus",
            "uncertainty",
            "gate",
            "dwa",
            "hard_focus",
            "teacher_trust",
        ]
    },
    "A4 gate of the teacher": (
        "distiller/weighting=gate",
        "module.distiller.weighting.source=teacher",
    ),
    "A5 cross level": ("distiller=cross_level", "data.batch_size=4"),
    # B: what the image is compared with
    "B0 nothing": ("second=none",),
    "B0 nothing, no teacher": ("second=none", "distill=false"),
    **{
        f"B {name}": (f"redistort={name}",)
        for name in ["official9", "official22", "random5", "kadid_max", "paper3p"]
    },
    "B single": (
        "redistort=single",
        "data.pairs.second.pipeline.kind=jpeg",
        "data.pairs.second.pipeline.level=3",
    ),
    "B strength": ("data.pairs.second.pipeline.level_index=0",),
    "B own crops": ("data.pairs.second.aligned=false",),
    "B official draws": ("second=redistorted_official",),
    "B crops distorted": ("data.pairs.second.where=crop",),
    "B photometric floor": ("data.pairs.second.pipeline.photometric_floor=true",),
    # C: what the teacher sees, and the controls
    "C swap": ("distiller/teacher_pair=swap",),
    "C ref": ("distiller/teacher_pair=ref",),
    "C mixed": ("distiller/teacher_pair=mixed",),
    "C random teacher": ("callbacks.distillation.teacher.random_head=true",),
    "C weights fixed at their start": ("module.distiller.weighting.learn=false",),
    # D: what is distilled
    "D distorted": ("module.distiller.feature=distorted",),
    "D both": ("distiller=both",),
    "D fused": ("distiller=fused",),
    "D score": ("distiller=score",),
    "D levels and score": ("distiller=levels_score",),
    "D stride2": ("module.distiller.layer_map=stride2",),
    "D no block": ("module.distiller.num_blocks=0",),
    "D one block": ("module.distiller.num_blocks=1", "module.distiller.reduce=mean"),
    "D weight": ("callbacks.distillation.schedule.weight=0.3",),
    **{f"D {name}": (f"distance={name}",) for name in ["absolute", "cosine", "relational"]},
    # E: the net
    **{
        f"E {name}": (f"fusion={name}", "distiller=score")
        for name in ["dpaff", "dpaff_res", "cat", "add", "aff", "none_diff", "none_lq"]
    },
    "E statistics": ("module.net.backbone.pyramid.statistics=mean_std", "distiller=score"),
    "E fine-tuned": ("module.net.backbone.frozen=false",),
    "E affine norm": ("module.net.norm_affine=true",),
    # F: crops; G: how much data
    "F crop by crop": ("module.net.crop_fusion=mean", "distiller=score"),
    "F one crop": ("num_crops=1", "distill=false"),
    "G half the data": ("data.fraction=0.5",),
    # The rest of the training loop
    "bf16": ("trainer.precision=bf16-mixed",),
    "clipping, accumulation": (
        "trainer.gradient_clip_val=1.0",
        "trainer.accumulate_grad_batches=2",
    ),
}


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> tuple[str, ...]:
    home = tmp_path_factory.mktemp("ablations")
    weights = write_weights(home / "weights.pth")
    root = (f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}")
    teacher = train(*TEACHER, *root, "trainer.max_epochs=1", folder=home / "teacher")
    return (*root, f"teacher={teacher}")


@pytest.mark.parametrize("name", SWITCHES)
def test_switch_takes_a_step_that_waits_for_no_value(
    name: str, common: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, hook in HOT:
        monkeypatch.setattr(owner, hook, watched(getattr(owner, hook)))
    module = one_step(*STUDENT, *common, *SWITCHES[name], folder=tmp_path / "run")
    terms = module.terms
    assert terms["train/loss"] == pytest.approx(
        sum(v for k, v in terms.items() if k.startswith("train/loss_") and "loss_level" not in k)
        + terms.get("train/loss_level", 0.0),
        rel=1e-5,
    )
    assert all(value == value for value in terms.values())
    assert (module.distiller is None) == ("distill=false" in SWITCHES[name])


def test_step_beside_a_pool_of_other_pictures(common: tuple[str, ...], tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "pool" / f"{number}.png", picture(number))
    words = ("distiller/teacher_pair=nar", f"pool={tmp_path / 'pool'}")
    one_step(*STUDENT, *common, *words, folder=tmp_path / "run")


def test_swap_turns_the_student_as_it_turns_the_teacher(
    common: tuple[str, ...], tmp_path: Path
) -> None:
    module = one_step(*STUDENT, *common, "distiller/teacher_pair=swap", folder=tmp_path / "run")
    assert module.net.sign == -1
    assert module.trainer.callbacks[0].pair == ("second", "image")


def test_parts_of_a_step_are_told_apart(
    common: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "SimpleProfiler", partial(StepTimes, skip=0))
    words = ("trainer.profiler=simple",)
    module = one_step(*STUDENT, *common, *words, folder=tmp_path / "run")
    seconds = module.trainer.profiler.seconds
    assert all(spent > 0 for spent in seconds.values()), seconds


@pytest.mark.parametrize("profiler", ["simple", "pytorch"])
def test_profiler_of_lightning_is_a_word(
    profiler: str, common: tuple[str, ...], tmp_path: Path
) -> None:
    words = (f"trainer.profiler={profiler}", "distill=false")
    module = one_step(*STUDENT, *common, *words, folder=tmp_path / "run")
    assert type(module.trainer.profiler).__name__.lower() == f"{profiler}profiler"


@pytest.mark.parametrize("callbacks", ["ema", "early_stopping"])
def test_lightning_averages_and_stops_early(
    callbacks: str, common: tuple[str, ...], tmp_path: Path
) -> None:
    words = (f"callbacks={callbacks}", "callbacks.progress=null", "trainer.max_epochs=1")
    folder = train(*STUDENT, *common, *words, folder=tmp_path / "run")
    assert (folder / "results.json").is_file()


def test_the_average_of_a_frozen_backbone_is_that_backbone(
    common: tuple[str, ...], tmp_path: Path
) -> None:
    words = (*TEACHER, *common, "callbacks.progress=null", "trainer.max_epochs=2")
    plain = train(*words, folder=tmp_path / "plain")
    averaged = train(*words, "callbacks=ema", folder=tmp_path / "averaged")
    digests = {Checkpoint.read(folder).net().backbone.digest() for folder in (plain, averaged)}
    assert len(digests) == 1
