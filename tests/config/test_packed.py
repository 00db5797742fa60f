"""A packed student is its run's student, in a file that holds no code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import kdiqa
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.packed import write_packed
from tests.fakes import picture
from tests.runs import STUDENT, train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> Path:
    words = ("distill=false", "trainer.max_epochs=1", "backbone=log_filters", "second=none")
    words = tuple(w for w in STUDENT if "backbone" not in w) + words
    folder = tmp_path_factory.mktemp("packed") / "run"
    return train(*words, f"data.root={fake_data / 'tid2013'}", folder=folder)


def test_a_packed_student_scores_as_its_run_does(run: Path, tmp_path: Path) -> None:
    path, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    checkpoint = Checkpoint.read(run).content
    write_packed(checkpoint, path, torch.float32)
    write_packed(checkpoint, half, torch.float16)
    pixels = picture(1, 60, 70)
    expected = kdiqa.load(run)
    assert kdiqa.load(path).score(pixels) == expected.score(pixels)
    assert kdiqa.load(path).score(pixels, units=True) == expected.score(pixels, units=True)
    assert kdiqa.load(half).score(pixels) == pytest.approx(expected.score(pixels), abs=5e-3)
    assert (
        half.stat().st_size < path.stat().st_size < (run / "checkpoints/best.ckpt").stat().st_size
    )


def test_what_is_no_packed_student_is_named(tmp_path: Path) -> None:
    damaged, foreign = tmp_path / "damaged.safetensors", tmp_path / "foreign.safetensors"
    damaged.write_bytes(b"12345678901234567890")
    save_file({"w": torch.zeros(2)}, foreign)
    with pytest.raises(ValueError, match=r"cannot be read as safetensors") as told:
        kdiqa.load(damaged)
    assert re.fullmatch(
        rf"'{damaged}' cannot be read as safetensors \(.+\): it is damaged\. Pack the run again, or"
        r" give its run folder\.",
        str(told.value),
    )
    message = (
        f"'{foreign}' was not packed by kdiqa: it does not say which net its weights belong to."
        " Backbone weights go to backbone.weights."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kdiqa.load(foreign)
