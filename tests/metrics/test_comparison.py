"""Oracles: formulae written out, SciPy, tables of exact p-values, errors counted by simulation."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from kdiqa.metrics.comparison import (
    bootstrap_difference,
    holm,
    steiger,
    steiger_of,
    wilcoxon,
    williams,
    williams_of,
)

TESTS = [steiger, williams]


def two_methods(
    random: np.random.Generator, num: int, better: float = 0.0
) -> tuple[NDArray, NDArray, NDArray]:
    """Two methods that share half of their errors, the first one's made smaller by `better`."""
    mos, shared, own_a, own_b = random.normal(size=(4, num))
    return mos + (1 - better) * (shared + own_a), mos + shared + own_b, mos


def test_steigers_z_is_his_formula_by_the_covariance_of_two_correlations() -> None:
    # Pearson and Filon's covariance of two correlations that share a variable, both at their mean
    a, b, ab, n = 0.83, 0.78, 0.9, 200
    m = (a + b) / 2
    psi = ab * (1 - m**2 - m**2) - 0.5 * m * m * (1 - m**2 - m**2 - ab**2)
    covariance = psi / ((1 - m**2) * (1 - m**2))
    z = (np.arctanh(a) - np.arctanh(b)) / np.sqrt((2 - 2 * covariance) / (n - 3))
    assert steiger_of(a, b, ab, n).statistic == pytest.approx(z, rel=1e-12)


def test_williams_t_is_the_determinant_of_the_correlation_matrix() -> None:
    a, b, ab, n = 0.5, 0.4, 0.1, 103
    determinant = np.linalg.det([[1, a, b], [a, 1, ab], [b, ab, 1]])
    below = 2 * determinant * (n - 1) / (n - 3) + ((a + b) / 2) ** 2 * (1 - ab) ** 3
    t = (a - b) * np.sqrt((n - 1) * (1 + ab) / below)
    found = williams_of(a, b, ab, n)
    assert found.statistic == pytest.approx(t, rel=1e-12)
    assert found.p_value == pytest.approx(2 * stats.t.sf(t, n - 3), rel=1e-12)
    assert round(found.statistic, 2) == 0.89  # Steiger's example, as statistics packages print it


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("rank", [True, False], ids=["srcc", "plcc"])
def test_methods_that_are_equally_good_differ_five_times_in_100(test, rank: bool) -> None:  # noqa: ANN001
    random = np.random.default_rng(0)
    found = [test(*two_methods(random, 60), rank=rank).p_value < 0.05 for _ in range(1000)]
    assert 0.03 <= np.mean(found) <= 0.07


def test_bootstrap_of_methods_equally_good_errs_five_times_in_100() -> None:
    random = np.random.default_rng(1)
    made = [
        bootstrap_difference(*two_methods(random, 60), num_resamples=400, seed=seed)
        for seed in range(300)
    ]
    assert 0.02 <= np.mean([found.p_value < 0.05 for found in made]) <= 0.09
    assert 0.02 <= np.mean([not found.low <= 0 <= found.high for found in made]) <= 0.10


def test_all_tests_find_a_method_that_is_better() -> None:
    a, b, mos = two_methods(np.random.default_rng(2), 300, better=0.4)
    for test in TESTS:
        assert test(a, b, mos).statistic > 3
        assert test(a, b, mos).p_value < 0.001
    found = bootstrap_difference(a, b, mos)
    assert 0 < found.low < found.estimate < found.high
    assert found.p_value < 0.01


def test_swapping_the_methods_changes_signs_and_nothing_else() -> None:
    a, b, mos = two_methods(np.random.default_rng(3), 80, better=0.2)
    for test in TESTS:
        one, other = test(a, b, mos), test(b, a, mos)
        assert one.statistic == pytest.approx(-other.statistic, rel=1e-12)
        assert one.p_value == pytest.approx(other.p_value, rel=1e-12)
    one, other = bootstrap_difference(a, b, mos), bootstrap_difference(b, a, mos)
    assert (one.low, one.estimate, one.high) == pytest.approx(
        (-other.high, -other.estimate, -other.low), abs=1e-12
    )
    assert one.p_value == other.p_value
    assert wilcoxon(a, b).statistic == -wilcoxon(b, a).statistic
    assert wilcoxon(a, b).p_value == wilcoxon(b, a).p_value


def test_a_method_and_itself_do_not_differ() -> None:
    score, _, mos = two_methods(np.random.default_rng(4), 30)
    assert all(test(score, score, mos) == (0.0, 1.0) for test in TESTS)
    found = bootstrap_difference(score, score, mos)
    assert (found.low, found.estimate, found.high, found.p_value) == (0, 0, 0, 1)
    assert wilcoxon(score, score) == (0.0, 1.0)


@pytest.mark.parametrize("test", TESTS)
def test_what_cannot_be_tested_is_not_significant(test) -> None:  # noqa: ANN001
    mos = np.linspace(0, 1, 20)
    wave = mos + np.sin(9 * mos)
    assert 0 <= test(np.full(20, 0.5), wave, mos).p_value <= 1
    assert 0 <= test(mos, wave, mos).p_value <= 1
    assert test(wave[:4], mos[:4], mos[:4]).p_value == 1


def test_contents_that_share_their_errors_make_a_difference_less_sure() -> None:
    random = np.random.default_rng(5)
    contents = np.repeat(np.arange(12), 20)
    mos = random.normal(size=240)
    a = mos + 0.3 * random.normal(size=240)
    b = mos + random.normal(size=12)[contents]
    images = bootstrap_difference(a, b, mos)
    whole = bootstrap_difference(a, b, mos, contents)
    assert whole.estimate == images.estimate
    assert whole.high - whole.low > 1.2 * (images.high - images.low)


def test_wilcoxon_counts_all_signs_of_the_ranks() -> None:
    a, b = np.array([0.8, 0.7, 0.9, 0.6, 0.75, 0.5]), np.array([0.7, 0.72, 0.6, 0.55, 0.6, 0.3])
    ranks = stats.rankdata(np.abs(a - b))
    mine = np.sum(ranks[a > b])
    sums = [np.dot(signs, ranks) for signs in itertools.product([0, 1], repeat=6)]
    exact = 2 * min(np.mean(np.array(sums) >= mine), np.mean(np.array(sums) <= mine))
    assert wilcoxon(a, b).p_value == pytest.approx(exact)
    assert wilcoxon(a, b).statistic == pytest.approx((2 * mine - ranks.sum()) / ranks.sum())


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
    found = [min(holm(list(family))) < 0.05 for family in families]
    assert 0.035 <= np.mean(found) <= 0.065
