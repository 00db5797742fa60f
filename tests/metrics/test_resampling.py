"""Oracles: SciPy on rows that are really repeated, its own bootstrap, and coverage by simulation."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from kdiqa.metrics.resampling import (
    Interval,
    Measure,
    bootstrap,
    groups_of,
    weighted_plcc,
    weighted_srcc,
)

RHO = 0.7


def interval(
    score: NDArray,
    mos: NDArray,
    contents: NDArray | None = None,
    measure: Measure = weighted_srcc,
    num_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    groups = groups_of(len(mos), contents)
    return bootstrap(lambda w: measure(score, mos, w), groups, num_resamples, seed)


def correlated(random: np.random.Generator, num: int) -> tuple[NDArray, NDArray]:
    mos = random.normal(size=num)
    return RHO * mos + np.sqrt(1 - RHO**2) * random.normal(size=num), mos


@pytest.mark.parametrize(
    ("ours", "oracle"),
    [
        (weighted_srcc, lambda x, y: stats.spearmanr(x, y).statistic),
        (weighted_plcc, lambda x, y: stats.pearsonr(x, y).statistic),
    ],
    ids=["srcc", "plcc"],
)
@pytest.mark.parametrize("decimals", [1, 16], ids=["ties", "no ties"])
def test_weights_measure_as_scipy_does_rows_that_are_repeated(
    ours: Callable, oracle: Callable, decimals: int
) -> None:
    random = np.random.default_rng(0)
    score, mos = (column.round(decimals) for column in correlated(random, 40))
    weights = random.multinomial(40, np.full(40, 1 / 40), 20).astype(float)
    expected = [
        oracle(np.repeat(score, times), np.repeat(mos, times)) for times in weights.astype(int)
    ]
    np.testing.assert_allclose(ours(score, mos, weights), expected, atol=1e-12)


def test_interval_is_that_of_scipys_bootstrap() -> None:
    score, mos = correlated(np.random.default_rng(1), 80)
    theirs = stats.bootstrap(
        (score, mos), lambda x, y: stats.pearsonr(x, y).statistic, paired=True, vectorized=False,
        n_resamples=2000, method="BCa",
    ).confidence_interval  # fmt: skip
    ours = interval(score, mos, measure=weighted_plcc, num_resamples=4000)
    assert ours.low == pytest.approx(theirs.low, abs=0.02)
    assert ours.high == pytest.approx(theirs.high, abs=0.02)
    assert ours.estimate == pytest.approx(stats.pearsonr(score, mos).statistic, abs=1e-12)


def test_intervals_of_95_percent_hold_the_truth_95_times_in_100() -> None:
    random = np.random.default_rng(2)
    held = 0
    for seed in range(300):
        bounds = interval(*correlated(random, 60), None, weighted_plcc, 500, seed)
        held += bounds.low <= RHO <= bounds.high
    # 95 % of 300 is 285, with a deviation of 3.8; the bootstrap of 60 rows is a little narrow
    assert 270 <= held <= 297


def test_images_of_one_content_must_be_drawn_together() -> None:
    random = np.random.default_rng(3)
    contents = np.repeat(np.arange(30), 12)
    held = {"images": 0, "contents": 0}
    for seed in range(90):
        # each content has its own label and its own error, shared by all of its images
        mos = random.normal(size=30)[contents] + 0.2 * random.normal(size=360)
        error = random.normal(size=30)[contents]
        score = RHO * mos + np.sqrt(1 - RHO**2) * error + 0.1 * random.normal(size=360)
        spread = np.sqrt(RHO**2 * 1.04 + 1 - RHO**2 + 0.01)
        truth = RHO * np.sqrt(1.04) / spread
        for name, groups in (("images", None), ("contents", contents)):
            bounds = interval(score, mos, groups, weighted_plcc, 300, seed)
            held[name] += bounds.low <= truth <= bounds.high
    assert held["images"] < 0.6 * 90
    assert held["contents"] > 0.86 * 90


def test_the_same_seed_gives_the_same_interval_and_another_a_near_one() -> None:
    score, mos = correlated(np.random.default_rng(4), 100)
    first, again, other = (interval(score, mos, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert first.low == pytest.approx(other.low, abs=0.02)


def test_the_size_of_a_chunk_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    score, mos = correlated(np.random.default_rng(5), 50)
    whole = interval(score, mos)
    monkeypatch.setattr("kdiqa.metrics.resampling.CHUNK", 170)
    parts = interval(score, mos)
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=1e-12)


@pytest.mark.parametrize("num", [1, 2, 4])
def test_fewer_than_five_images_or_contents_have_no_interval(num: int) -> None:
    mos = np.linspace(0, 1, num)
    few = interval(mos, mos)
    assert np.isnan([few.low, few.high, few.p_value]).all()
    contents = np.arange(40) % num
    bounds = interval(*correlated(np.random.default_rng(6), 40), contents)
    assert np.isnan(bounds.low)
    assert np.isfinite(bounds.estimate)


def test_perfect_and_constant_scores_have_intervals_without_width() -> None:
    mos = np.linspace(0, 1, 20)
    perfect = interval(mos, mos)
    assert (perfect.low, perfect.estimate, perfect.high) == pytest.approx((1, 1, 1))
    dead = interval(np.full(20, 0.5), mos)
    assert (dead.low, dead.estimate, dead.high) == (0, 0, 0)


def test_a_statistic_and_its_negative_have_mirrored_intervals() -> None:
    score, mos = correlated(np.random.default_rng(8), 40)
    groups = groups_of(40)
    up = bootstrap(lambda w: weighted_plcc(score, mos, w), groups)
    down = bootstrap(lambda w: -weighted_plcc(score, mos, w), groups)
    assert (down.low, down.high) == pytest.approx((-up.high, -up.low), abs=1e-12)
    assert down.p_value == up.p_value


def test_contents_of_another_table_are_refused() -> None:
    message = (
        "2 contents do not match 3 images row by row. Give the column content of the same "
        "table, or None where images share none."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        groups_of(3, ["a", "b"])


def two_methods(random: np.random.Generator, num: int) -> tuple[NDArray, NDArray, NDArray]:
    """Two methods that are equally good and share half of their errors."""
    mos, shared, own_a, own_b = random.normal(size=(4, num))
    return mos + shared + own_a, mos + shared + own_b, mos


def difference(
    score_a: NDArray,
    score_b: NDArray,
    mos: NDArray,
    contents: NDArray | None = None,
    num_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    def less(weights: NDArray) -> NDArray:
        return weighted_srcc(score_a, mos, weights) - weighted_srcc(score_b, mos, weights)

    return bootstrap(less, groups_of(len(mos), contents), num_resamples, seed)


def test_methods_equally_good_differ_five_times_in_100() -> None:
    random = np.random.default_rng(1)
    drawn = [
        difference(*two_methods(random, 60), num_resamples=400, seed=seed) for seed in range(300)
    ]
    assert 0.02 <= np.mean([one.p_value < 0.05 for one in drawn]) <= 0.09
    assert 0.02 <= np.mean([not one.low <= 0 <= one.high for one in drawn]) <= 0.10


def test_a_method_that_is_better_is_found_and_one_and_itself_do_not_differ() -> None:
    a, b, mos = two_methods(np.random.default_rng(2), 300)
    better = difference(mos + 0.6 * (a - mos), b, mos)
    assert 0 < better.low < better.estimate < better.high
    assert better.p_value < 0.01
    same = difference(a, a, mos)
    assert (same.low, same.estimate, same.high, same.p_value) == (0, 0, 0, 1)


def test_contents_that_share_their_errors_make_a_difference_less_sure() -> None:
    random = np.random.default_rng(5)
    contents = np.repeat(np.arange(12), 20)
    mos = random.normal(size=240)
    a = mos + 0.3 * random.normal(size=240)
    b = mos + random.normal(size=12)[contents]
    images, by_content = difference(a, b, mos), difference(a, b, mos, contents)
    assert by_content.estimate == images.estimate
    assert by_content.high - by_content.low > 1.2 * (images.high - images.low)
