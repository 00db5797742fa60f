"""Oracles: formulae written out, SciPy, tables of exact p-values, errors counted by simulation."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from kdiqa.metrics.comparison import holm, steiger, wilcoxon


def two_methods(
    random: np.random.Generator, num: int, better: float = 0.0
) -> tuple[NDArray, NDArray, NDArray]:
    """Two methods that share half of their errors, the first one's made smaller by `better`."""
    mos, shared, own_a, own_b = random.normal(size=(4, num))
    return mos + (1 - better) * (shared + own_a), mos + shared + own_b, mos


def test_steigers_z_is_his_formula_written_out() -> None:
    a, b, mos = two_methods(np.random.default_rng(7), 200, better=0.2)
    r_a, r_b = (stats.spearmanr(score, mos).statistic for score in (a, b))
    r_ab, n = stats.spearmanr(a, b).statistic, 200
    # Equation 3: the covariance of two correlations that share a variable, with both correlations
    # at their mean (equation 10), divided by both variances.
    m = (r_a + r_b) / 2
    psi = r_ab * (1 - m**2 - m**2) - 0.5 * m * m * (1 - m**2 - m**2 - r_ab**2)
    covariance = psi / ((1 - m**2) * (1 - m**2))
    # Equation 14.
    z_a, z_b = 0.5 * np.log((1 + r_a) / (1 - r_a)), 0.5 * np.log((1 + r_b) / (1 - r_b))
    z = np.sqrt(n - 3) * (z_a - z_b) / np.sqrt(2 - 2 * covariance)
    assert steiger(a, b, mos) == pytest.approx(2 * stats.norm.sf(z), rel=1e-11)


def test_methods_that_are_equally_good_differ_five_times_in_100() -> None:
    random = np.random.default_rng(0)
    significant = [steiger(*two_methods(random, 60)) < 0.05 for _ in range(1000)]
    assert 0.03 <= np.mean(significant) <= 0.07


def test_a_method_that_is_better_is_found() -> None:
    assert steiger(*two_methods(np.random.default_rng(2), 300, better=0.4)) < 0.001


def test_swapping_the_methods_changes_nothing() -> None:
    a, b, mos = two_methods(np.random.default_rng(3), 80, better=0.2)
    assert steiger(a, b, mos) == pytest.approx(steiger(b, a, mos), rel=1e-12)
    assert wilcoxon(a, b) == wilcoxon(b, a)


def test_a_method_and_itself_do_not_differ() -> None:
    score, _, mos = two_methods(np.random.default_rng(4), 30)
    assert steiger(score, score, mos) == 1
    assert wilcoxon(score, score) == 1


def test_what_cannot_be_tested_is_not_significant() -> None:
    mos = np.linspace(0, 1, 20)
    wave = mos + np.sin(9 * mos)
    assert 0 <= steiger(np.full(20, 0.5), wave, mos) <= 1
    assert 0 <= steiger(mos, wave, mos) <= 1
    assert steiger(wave[:4], mos[:4], mos[:4]) == 1


def test_wilcoxon_counts_all_signs_of_the_ranks() -> None:
    a, b = np.array([0.8, 0.7, 0.9, 0.6, 0.75, 0.5]), np.array([0.7, 0.72, 0.6, 0.55, 0.6, 0.3])
    ranks = stats.rankdata(np.abs(a - b))
    mine = np.sum(ranks[a > b])
    sums = [np.dot(signs, ranks) for signs in itertools.product([0, 1], repeat=6)]
    exact = 2 * min(np.mean(np.array(sums) >= mine), np.mean(np.array(sums) <= mine))
    assert wilcoxon(a, b) == pytest.approx(exact)


def test_holm_steps_down_as_written() -> None:
    p = [0.01, 0.02, 0.03, 0.005, 0.8]
    expected = []
    for mine in p:  # the largest of (m - i + 1) p_i over all that are not above mine
        ordered = sorted(p)
        stepped = [(5 - i) * q for i, q in enumerate(ordered) if q <= mine]
        expected.append(min(1, max(stepped)))
    assert holm(p) == pytest.approx(expected)
    assert holm([]) == []
    assert holm([0.04]) == [0.04]


def test_holm_keeps_the_errors_of_a_family_at_five_in_100() -> None:
    random = np.random.default_rng(6)
    families = random.uniform(size=(2000, 6))
    rejected = [min(holm(list(family))) < 0.05 for family in families]
    assert 0.035 <= np.mean(rejected) <= 0.065
