"""Batches and workers change no score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kdiqa.data.crops import Crops
from kdiqa.scorer import many
from tests.fakes import noisy, picture, write
from tests.scorers import akd


@pytest.mark.parametrize("options", [(1, 0), (3, 1), (16, 2)])
def test_batches_and_workers_change_no_score(tmp_path: Path, options: tuple[int, int]) -> None:
    scorer = akd(Crops(2, 32), redistorted=True)
    images = [noisy(picture(i, 48 + 16 * (i % 2), 64), 10 * i, i) for i in range(6)]
    paths = [str(write(tmp_path / f"{i}.png", image)) for i, image in enumerate(images)]
    rows = [row for batch in many.scored(scorer, paths, *options) for row in batch]
    scores = [row.score for row in rows]
    np.testing.assert_allclose(scores, scorer.score(paths), rtol=0, atol=1e-5)
    assert len(set(scores)) == len(paths)
