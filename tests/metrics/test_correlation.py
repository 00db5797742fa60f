"""Oracles: SciPy, closed forms, and curves whose parameters are known."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from kdiqa.metrics.correlation import fit_logistic, krcc, plcc, rmse, srcc, summarize

Measure = Callable[[ArrayLike, ArrayLike], float]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("ours", "oracle"),
    [(srcc, stats.spearmanr), (plcc, stats.pearsonr), (krcc, stats.kendalltau)],
    ids=["srcc", "plcc", "krcc"],
)
@pytest.mark.parametrize("decimals", [1, 16], ids=["ties", "no ties"])
def test_correlations_equal_scipys(
    ours: Measure, oracle: Callable, decimals: int, random: np.random.Generator
) -> None:
    mos = random.uniform(size=200).round(decimals)
    score = (mos + random.normal(0, 0.3, 200)).round(decimals)
    assert ours(score, mos) == pytest.approx(oracle(score, mos).statistic, abs=1e-12)


def test_srcc_without_ties_is_the_closed_form(random: np.random.Generator) -> None:
    a, b = random.permutation(50), random.permutation(50)
    closed = 1 - 6 * np.sum((a - b) ** 2) / (50 * (50**2 - 1))
    assert srcc(a, b) == pytest.approx(closed, abs=1e-12)


def test_krcc_counts_pairs() -> None:
    # of the six pairs of (1, 2, 3, 4) five agree and one does not
    assert krcc([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx((5 - 1) / 6)


@pytest.mark.parametrize("measure", [srcc, plcc, krcc])
def test_a_predictor_that_ranks_upside_down_scores_minus_one(measure: Measure) -> None:
    mos = np.linspace(0, 1, 20)
    assert measure(1 - mos, mos) == pytest.approx(-1)
    assert measure(mos, mos) == pytest.approx(1)


def test_rmse_is_that_of_the_scores_as_they_are() -> None:
    assert rmse([0.0, 1.0, 0.0], [0.0, 0.0, 2.0]) == pytest.approx(np.sqrt(5 / 3))


def test_float32_scores_are_computed_in_float64() -> None:
    mos = np.linspace(0, 1, 10)
    score = (1000 + mos).astype(np.float32)
    assert plcc(score, mos) == pytest.approx(plcc(score.astype(np.float64), mos), abs=0)


@pytest.mark.parametrize("num_parameters", [4, 5])
def test_fit_recovers_every_one_of_100_random_logistic_curves(
    num_parameters: int, random: np.random.Generator
) -> None:
    for _ in range(100):
        score = random.normal(random.uniform(-50, 50), random.uniform(0.01, 100), 60)
        z = (score - score.mean()) / score.std()
        height, floor = random.uniform(0.2, 90), random.uniform(-5, 5)
        rise = random.choice([-1, 1]) * random.uniform(0.5, 6)
        mos = floor + height / (1 + np.exp(-rise * (z - random.uniform(-1, 1))))
        if num_parameters == 5:
            mos = mos + np.sign(rise) * random.uniform(0, 0.2) * height * z

        fit = fit_logistic(score, mos, num_parameters)
        assert fit.ok
        assert rmse(fit(score), mos) < 1e-4 * mos.std()


def test_fit_is_never_worse_than_the_customary_one(random: np.random.Generator) -> None:
    def curve(x: NDArray, a: float, b: float, c: float, d: float) -> NDArray:
        return (a - b) / (1 + np.exp(-(x - c) / abs(d))) + b

    for _ in range(20):
        score = random.uniform(size=80)
        mos = np.clip(score ** random.uniform(0.5, 2) + random.normal(0, 0.1, 80), 0, 1)
        start = [mos.max(), mos.min(), score.mean(), score.std() + 1e-6]
        customary = optimize.curve_fit(curve, score, mos, p0=start, maxfev=20_000)[0]
        ours = rmse(fit_logistic(score, mos)(score), mos)
        assert ours <= rmse(curve(score, *customary), mos) + 1e-4


def test_parameters_are_those_of_the_formula(random: np.random.Generator) -> None:
    score, mos = random.uniform(size=(2, 40))
    mos = np.sort(mos)[np.argsort(np.argsort(score))]
    fit = fit_logistic(score, mos)
    b1, b2, b3, b4 = fit.parameters
    z = (score - score.mean()) / score.std()
    formula = (b1 - b2) / (1 + np.exp(-(z - b3) / abs(b4))) + b2
    np.testing.assert_allclose(fit(score), mos.mean() + mos.std() * formula, atol=1e-12)

    fit = fit_logistic(score, mos, num_parameters=5)
    b1, b2, b3, b4, b5 = fit.parameters
    formula = b1 * (0.5 - 1 / (1 + np.exp(b2 * (z - b3)))) + b4 * z + b5
    np.testing.assert_allclose(fit(score), mos.mean() + mos.std() * formula, atol=1e-12)


@pytest.mark.parametrize(
    "law",
    [lambda x: x, lambda x: x**3, lambda x: np.exp(5 * x), lambda x: (x > 0.5) * 1.0, np.sqrt],
    ids=["line", "cube", "exponential", "step", "root"],
)
def test_fit_straightens_monotone_laws(
    law: Callable[[NDArray], NDArray], random: np.random.Generator
) -> None:
    score = random.uniform(size=300)
    row = summarize(score, law(score))
    assert row["fit_ok"] == 1
    assert row["plcc_fit"] > max(0.995, row["plcc"] - 1e-9)
    assert row["rmse_fit"] < 0.1 * law(score).std()


def test_fit_of_a_falling_measure_has_no_sign(random: np.random.Generator) -> None:
    mos = random.uniform(size=100)
    row = summarize(1 - mos**2, mos)
    assert row["srcc"] == pytest.approx(-1)
    assert row["plcc_fit"] > 0.99


@pytest.mark.parametrize(
    ("score", "mos"),
    [
        ([0.5] * 8, np.linspace(0, 1, 8)),
        (np.linspace(0, 1, 8), [0.5] * 8),
        (0.5 + 2**-24 * np.arange(8), np.linspace(0, 1, 8)),
        ([0.5], [0.7]),
        ([0.1, 0.5], [0.2, 0.3]),
    ],
    ids=["constant scores", "constant labels", "rounding noise", "one row", "two rows"],
)
def test_degenerate_tables_fall_back_to_raw_values_and_say_so(
    score: ArrayLike, mos: ArrayLike
) -> None:
    row = summarize(score, mos)
    assert row["fit_ok"] == 0
    assert row["plcc_fit"] == row["plcc"]
    assert row["rmse_fit"] == row["rmse"]
    assert all(np.isfinite(value) for value in row.values())
    if len(mos) != 2:
        assert row["srcc"] == row["plcc"] == row["krcc"] == 0


def test_summary_names_what_is_reported() -> None:
    row = summarize(np.arange(9), np.arange(9))
    assert list(row) == [
        *("srcc", "plcc", "plcc_fit", "plcc_fit5", "krcc", "rmse", "rmse_fit", "rmse_fit5"),
        *("fit_ok", "fit5_ok", "n"),
    ]
    assert row["n"] == 9


def test_scores_that_are_not_numbers_are_refused() -> None:
    message = (
        "2 of 4 scores are not finite numbers, the first in row 1. "
        "Training has diverged: lower the learning rate."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        summarize([0.1, np.nan, np.inf, 0.2], [0.1, 0.2, 0.3, 0.4])


def test_labels_that_are_not_numbers_are_refused() -> None:
    message = (
        "1 of 2 labels are not finite numbers, the first in row 0. "
        "Look for an empty cell in the data set's label file."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        srcc([0.1, 0.2], [np.nan, 0.2])


@pytest.mark.parametrize(("score", "mos"), [([], []), ([1, 2], [1]), ([[1]], [[1]])])
def test_tables_that_do_not_stand_row_by_row_are_refused(score: list, mos: list) -> None:
    message = (
        f"Scores of shape {np.shape(score)} do not match labels of shape "
        f"{np.shape(mos)}. Give two vectors of one length, with at least one row."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        summarize(score, mos)


@pytest.mark.parametrize("num_parameters", [4, 5])
def test_no_monotone_problem_of_any_scale_and_offset_fails(
    num_parameters: int, random: np.random.Generator
) -> None:
    laws = [lambda x: x, lambda x: x**3, np.exp, np.tanh, lambda x: np.sign(x) * np.sqrt(abs(x))]
    for problem in range(100):
        z = random.normal(size=random.integers(8, 80))
        law = laws[problem % len(laws)]
        scale, offset, mos_scale, mos_offset = 10.0 ** random.uniform(-6, 6, 4)
        mos = mos_offset + random.choice([-1, 1]) * mos_scale * law(z)
        score = random.choice([-1, 1]) * offset + scale * z
        fit = fit_logistic(score, mos, num_parameters)
        assert fit.ok
        mapped = fit(score)
        assert np.isfinite(mapped).all()
        assert plcc(mapped, mos) >= abs(plcc(score, mos)) - 1e-6


def test_scale_and_offset_of_the_scores_change_nothing(random: np.random.Generator) -> None:
    mos = random.uniform(size=60)
    score = mos**2 + random.normal(0, 0.05, 60)
    near, far = summarize(score, mos), summarize(1e4 + 1e3 * score, mos)
    for name in ("srcc", "plcc", "plcc_fit", "plcc_fit5", "rmse_fit", "rmse_fit5", "fit_ok"):
        assert far[name] == pytest.approx(near[name], abs=1e-8)


@pytest.mark.parametrize("num", [1, 2, 3, 4])
def test_fewer_than_five_rows_are_measured_and_not_fitted(num: int) -> None:
    row = summarize(np.arange(num), np.arange(num) * 2.0)
    assert row["fit_ok"] == row["fit5_ok"] == 0
    assert row["plcc_fit"] == row["plcc_fit5"] == row["plcc"] == pytest.approx(float(num > 1))
    assert np.isfinite(list(row.values())).all()


def test_scores_far_from_zero_are_no_constant_and_a_dead_students_are() -> None:
    mos = np.linspace(0, 1, 9)
    assert srcc(1e6 + 1e-6 * mos, mos) == 1
    dead = np.float64(np.nextafter(np.float32(0.37), np.float32([1, 0] * 4 + [1])))
    assert srcc(dead, mos) == 0


def test_a_five_parameter_curve_is_never_worse_than_one_of_four(
    random: np.random.Generator,
) -> None:
    for _ in range(20):
        score, mos = random.uniform(size=(2, 60))
        row = summarize(score + mos, mos)
        assert row["rmse_fit5"] <= row["rmse_fit"] + 1e-6
        assert row["rmse_fit"] <= row["rmse"]
