"""Oracles: SciPy on rows that are really repeated, its own bootstrap, and coverage by simulation."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from kdiqa.metrics.intervals import bootstrap_interval, fisher_interval, summarize_intervals
from kdiqa.metrics.resampling import (
    bootstrap,
    groups_of,
    weighted_plcc,
    weighted_rmse,
    weighted_srcc,
)

RHO = 0.7


def correlated(random: np.random.Generator, num: int) -> tuple[NDArray, NDArray]:
    mos = random.normal(size=num)
    return RHO * mos + np.sqrt(1 - RHO**2) * random.normal(size=num), mos


@pytest.mark.parametrize(
    ("ours", "oracle"),
    [
        (weighted_srcc, lambda x, y: stats.spearmanr(x, y).statistic),
        (weighted_plcc, lambda x, y: stats.pearsonr(x, y).statistic),
        (weighted_rmse, lambda x, y: np.sqrt(np.mean((x - y) ** 2))),
    ],
    ids=["srcc", "plcc", "rmse"],
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
    ours = bootstrap_interval(score, mos, measure=weighted_plcc, num_resamples=4000)
    assert ours.low == pytest.approx(theirs.low, abs=0.02)
    assert ours.high == pytest.approx(theirs.high, abs=0.02)
    assert ours.estimate == pytest.approx(stats.pearsonr(score, mos).statistic, abs=1e-12)


def test_intervals_of_95_percent_hold_the_truth_95_times_in_100() -> None:
    random = np.random.default_rng(2)
    truth = {"bootstrap": RHO, "fisher": RHO}
    held = dict.fromkeys(truth, 0)
    for seed in range(300):
        score, mos = correlated(random, 60)
        made = bootstrap_interval(score, mos, None, weighted_plcc, 0.95, 500, seed)
        held["bootstrap"] += made.low <= RHO <= made.high
        low, high = fisher_interval(made.estimate, 60, rank=False)
        held["fisher"] += low <= RHO <= high
    # 95 % of 300 is 285, with a deviation of 3.8; the bootstrap of 60 rows is a little narrow
    assert 270 <= held["bootstrap"] <= 297
    assert 274 <= held["fisher"] <= 297


def test_images_of_one_content_must_be_drawn_together() -> None:
    random = np.random.default_rng(3)
    contents = np.repeat(np.arange(30), 12)
    held = {"images": 0, "contents": 0}
    for seed in range(90):
        # each content has its own opinion and its own error, shared by all of its images
        mos = random.normal(size=30)[contents] + 0.2 * random.normal(size=360)
        error = random.normal(size=30)[contents]
        score = RHO * mos + np.sqrt(1 - RHO**2) * error + 0.1 * random.normal(size=360)
        spread = np.sqrt(RHO**2 * 1.04 + 1 - RHO**2 + 0.01)
        truth = RHO * np.sqrt(1.04) / spread
        for name, groups in (("images", None), ("contents", contents)):
            made = bootstrap_interval(score, mos, groups, weighted_plcc, 0.95, 300, seed)
            held[name] += made.low <= truth <= made.high
    assert held["images"] < 0.6 * 90
    assert held["contents"] > 0.86 * 90


def test_the_same_seed_gives_the_same_interval_and_another_a_near_one() -> None:
    score, mos = correlated(np.random.default_rng(4), 100)
    first, again, other = (bootstrap_interval(score, mos, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert first.low == pytest.approx(other.low, abs=0.02)


def test_the_size_of_a_chunk_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    score, mos = correlated(np.random.default_rng(5), 50)
    whole = bootstrap_interval(score, mos)
    monkeypatch.setattr("kdiqa.metrics.resampling.CHUNK", 170)
    parts = bootstrap_interval(score, mos)
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=1e-12)


@pytest.mark.parametrize("num", [1, 2, 4])
def test_fewer_than_five_images_or_contents_have_no_interval(num: int) -> None:
    mos = np.linspace(0, 1, num)
    for made in summarize_intervals(mos, mos).values():
        assert np.isnan([made.low, made.high, made.p_value]).all()
    assert np.isnan(fisher_interval(0.5, num)).all()
    contents = np.arange(40) % num
    made = bootstrap_interval(*correlated(np.random.default_rng(6), 40), contents)
    assert np.isnan(made.low)
    assert np.isfinite(made.estimate)


def test_perfect_and_constant_scores_have_intervals_without_width() -> None:
    mos = np.linspace(0, 1, 20)
    perfect = bootstrap_interval(mos, mos)
    assert (perfect.low, perfect.estimate, perfect.high) == pytest.approx((1, 1, 1))
    dead = bootstrap_interval(np.full(20, 0.5), mos)
    assert (dead.low, dead.estimate, dead.high) == (0, 0, 0)


def test_fishers_interval_of_a_perfect_correlation_is_a_point() -> None:
    assert fisher_interval(-1.0, 20) == (-1.0, -1.0)


def test_fishers_interval_is_scipys() -> None:
    score, mos = correlated(np.random.default_rng(7), 50)
    found = stats.pearsonr(score, mos)
    assert fisher_interval(found.statistic, 50, rank=False) == pytest.approx(
        tuple(found.confidence_interval()), abs=1e-12
    )


def test_a_statistic_and_its_negative_have_mirrored_intervals() -> None:
    score, mos = correlated(np.random.default_rng(8), 40)
    groups = groups_of(40)
    up = bootstrap(lambda w: weighted_plcc(score, mos, w), groups)
    down = bootstrap(lambda w: -weighted_plcc(score, mos, w), groups)
    assert (down.low, down.high) == pytest.approx((-up.high, -up.low), abs=1e-12)
    assert down.p_value == up.p_value


def test_contents_of_another_table_are_refused() -> None:
    message = (
        "2 contents do not stand row by row beside 3 images. Give the column content of the same "
        "table, or None where images share none."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        groups_of(3, ["a", "b"])
