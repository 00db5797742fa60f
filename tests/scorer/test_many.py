"""Batches and workers change no score."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from kdiqa.data.crops import Crops
from kdiqa.scorer import many
from tests.fakes import noisy, picture, write
from tests.scorers import akd


def written(folder: Path, count: int) -> list[str]:
    return [str(write(folder / f"{i}.png", picture(i, 48, 64))) for i in range(count)]


@pytest.mark.parametrize(("deadly", "signals"), [([2], ["SIGKILL"]), ([0, 5], ["SIGKILL"] * 2)])
def test_a_worker_that_dies_costs_its_image_an_error_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deadly: list[int], signals: list[str]
) -> None:
    scorer, paths = akd(Crops(2, 32), redistorted=True), written(tmp_path, 7)
    whole = [row for batch in many.scored(scorer, paths, 3, 0) for row in batch]
    plain, here = many.read_rgb, os.getpid()

    def dies(path: Path, max_pixels: int) -> object:
        if path.stem in map(str, deadly) and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is out
        return plain(path, max_pixels)

    monkeypatch.setattr(many, "read_rgb", dies)
    before = signal.getsignal(signal.SIGCHLD)
    rows = [row for batch in many.scored(scorer, paths, 3, 2) for row in batch]
    assert signal.getsignal(signal.SIGCHLD) == before
    assert [row.image for row in rows] == paths
    failed = [row for row in rows if row.error]
    assert [Path(row.image).stem for row in failed] == list(map(str, deadly))
    message = "The process that read it was killed (SIGKILL): perhaps it wants more memory."
    assert {row.error for row in failed} == {message}
    assert all(row.score is None and row.units is None for row in failed)
    others = [(row, one) for row, one in zip(rows, whole, strict=True) if not row.error]
    assert all(row.score == pytest.approx(one.score, abs=1e-5) for row, one in others)


def test_crops_come_out_of_a_process_of_their_own_as_they_are(tmp_path: Path) -> None:
    scorer, paths = akd(Crops(2, 32), redistorted=True), written(tmp_path, 2)
    images = many.Images(paths, scorer, score_in_worker=False)
    for index in range(2):
        here, there = images[index].crops, many.read_alone(images, index).crops
        assert here is not None
        assert there is not None
        assert here.keys() == there.keys()
        assert all(torch.equal(here[name], there[name]) for name in here)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, workers: int
) -> None:
    scorer, paths = akd(Crops(2, 32), redistorted=True), written(tmp_path, 3)

    def broken(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.full((len(batch["image"]),), value)

    monkeypatch.setattr(scorer, "predict", broken)
    rows = [row for batch in many.scored(scorer, paths, 2, workers) for row in batch]
    assert [row.error for row in rows] == [f"The score is no number: {value}"] * 3
    assert {(row.score, row.units) for row in rows} == {(None, None)}


@pytest.mark.parametrize("options", [(1, 0), (3, 1), (16, 2)])
def test_batches_and_workers_change_no_score(tmp_path: Path, options: tuple[int, int]) -> None:
    scorer = akd(Crops(2, 32), redistorted=True)
    images = [noisy(picture(i, 48 + 16 * (i % 2), 64), 10 * i, i) for i in range(6)]
    paths = [str(write(tmp_path / f"{i}.png", image)) for i, image in enumerate(images)]
    rows = [row for batch in many.scored(scorer, paths, *options) for row in batch]
    scores = [row.score for row in rows]
    np.testing.assert_allclose(scores, scorer.score(paths), rtol=0, atol=1e-5)
    assert len(set(scores)) == len(paths)
