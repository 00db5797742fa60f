"""Two raters of the same images, by fifths of their own scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kdiqa.metrics.agreement import agreement


def test_raters_of_one_order_agree_whatever_their_scales() -> None:
    scores = np.random.default_rng(0).normal(size=100)
    result = agreement(np.exp(scores), 3 * scores - 7)
    np.testing.assert_array_equal(result.counts, 20 * np.eye(5))
    assert (result.same, result.near, result.srcc) == (1.0, 1.0, pytest.approx(1.0))


def test_opposite_raters_meet_in_the_middle_alone() -> None:
    scores = np.arange(50.0)
    result = agreement(scores, -scores)
    np.testing.assert_array_equal(result.counts, 10 * np.eye(5)[::-1])
    assert (result.same, result.near) == (0.2, pytest.approx(0.2))


def test_counts_are_those_of_ranks_cut_into_fifths() -> None:
    draw = np.random.default_rng(1)
    x, y = draw.normal(size=(2, 40))
    result = agreement(x, y)
    expected = np.zeros((5, 5))
    for a, b in zip(stats.rankdata(x), stats.rankdata(y), strict=True):
        expected[int((a - 1) // 8), int((b - 1) // 8)] += 1
    np.testing.assert_array_equal(result.counts, expected)


def test_student_of_one_score_says_nothing() -> None:
    result = agreement(np.arange(10.0), np.ones(10))
    assert result.counts[:, 0].sum() == 10
    assert result.srcc == 0.0
