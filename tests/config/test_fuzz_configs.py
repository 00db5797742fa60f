"""Whatever is combined from the vocabulary: a step is taken, or one message says why not."""

from __future__ import annotations

import math
import os
import random
from pathlib import Path
from typing import get_args

import pytest
from hydra.errors import HydraException

from kdiqa.config.compose import conf_dir
from kdiqa.data.boxes import CropMode
from kdiqa.runtime.errors import for_user
from kdiqa.systems.akd.integrator import FusionName
from kdiqa.training.distances import DistanceName
from tests.runs import one_step, train

COUNT = int(os.environ.get("KDIQA_FUZZ", "30"))  # compositions
SEEDS = (0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 11)))
TINY = (
    *("data=tid2013", "backbone=log_filters", "module.net.backbone.pyramid.statistics=mean"),
    *("module.net.dim=16", "data.num_workers=0", "trainer=cpu", "callbacks.progress=null"),
)
TEACHER = (
    *("module=teacher", "net=akd_teacher", "second=reference", "distiller=none", *TINY),
    *("num_crops=2", "crop_size=32", "module.net.depth=4", "module.net.distorted_depth=2"),
    *("data.batch_size=8", "trainer.max_epochs=1"),
)
GROUPS = (
    *("distiller", "distiller/weighting", "distiller/teacher_pair", "second", "redistort"),
    *("module/optimizer", "module/scheduler", "module/loss", "protocol"),
)
VALUES: dict[str, tuple[object, ...]] = {
    "test_crops": get_args(CropMode),
    "distance": get_args(DistanceName),
    "fusion": (*get_args(FusionName), "none"),
    "num_crops": (0, 1, 2, 2, 2, 3),
    "crop_size": (0, 8, 32, 32, 300),
    "num_test_crops": (1, 2, 5),
    "split": (0, 1, 9),
    "seed": (0, 2**31),
    "distill": ("true", "true", "false"),
    "data.batch_size": (0, 1, 3, 8),
    "data.fraction": (0, 0.01, 0.5, 1, 2),
    "data.split_by": ("content", "image", "official", "nothing"),
    "data.guard": ("warn", "stop", "drop", "never"),
    "data.label_scale": ("unit", "raw", "zscore", "other"),
    "data.drop_last": ("true", "false"),
    "data.ratios": ("[0.5,0.25,0.25]", "[1,0,0]", "[0.9,0.9,0.9]", "[0.5,0.5]"),
    "module.net.depth": (0, 1, 2),
    "module.net.distorted_depth": (0, 1),
    "module.net.crop_fusion": ("cat", "mean", "sum"),
    "module.net.sign": (-1, 1),
    "module.net.dropout": (0.0, 0.5),
    "module.net.norm_affine": ("true", "false"),
    "module.net.backbone.frozen": ("true", "true", "false"),
    "module.net.backbone.pyramid.levels": (1, 4, 9),
    "module.net.backbone.pyramid.grid": (1, 4),
    "module.pair": ("[image,second]", "[second,image]", "[image,image]", "[image,nothing]"),
    "trainer.gradient_clip_val": (0.1,),
    "trainer.accumulate_grad_batches": (2,),
    "trainer.precision": ("bf16-mixed", "64-true"),
}


def vocabulary() -> dict[str, tuple[object, ...]]:
    """Returns what may be drawn for each key: groups by their files, and some values."""
    groups = {
        group: tuple(sorted(path.stem for path in (conf_dir() / group).glob("[!_]*.yaml")))
        for group in GROUPS
    }
    return groups | VALUES


def drawn(draw: random.Random) -> list[str]:
    """Returns overrides: a few of all there are, so that not every one is nonsense."""
    words = vocabulary()
    keys = draw.sample(sorted(words), draw.randrange(1, 6))
    return [f"{key}={draw.choice(words[key])}" for key in keys]


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> tuple[str, ...]:
    root = f"data.root={fake_data / 'tid2013'}"
    teacher = train(*TEACHER, root, folder=tmp_path_factory.mktemp("fuzz") / "teacher")
    return (*TINY, root, f"teacher={teacher}", "num_crops=2", "crop_size=32", "data.batch_size=8",
            "module.net.depth=2", "module.net.distorted_depth=1", f"++pool={fake_data / 'spaq'}")  # fmt: skip


def outcome(words: list[str], common: tuple[str, ...], folder: Path) -> str:
    """Returns ``step`` or the message; fails where a user would read a traceback."""
    held = {word.partition("=")[0] for word in words}
    kept = [word for word in common if word.partition("=")[0] not in held]
    try:
        module = one_step(*kept, *words, folder=folder)
    except HydraException as error:  # Hydra prints it, and no traceback
        return str(error)
    except Exception as error:
        message = for_user(error)
        if not message or "Traceback" in message:
            raise
        return message
    assert math.isfinite(module.terms["train/loss"]), words
    return "step"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_composition_takes_a_step_or_says_why_not(
    seed: int, common: tuple[str, ...], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    draw = random.Random(seed)
    outcomes = []
    for number in range(COUNT):
        words = drawn(draw)
        with subtests.test(words=words):
            outcomes.append(outcome(words, common, tmp_path / str(number)))
    taken = outcomes.count("step")
    assert COUNT / 10 < taken < COUNT, outcomes  # it tries both what works and what does not
