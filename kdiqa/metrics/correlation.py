"""Agreement of predicted scores with opinions: SRCC, PLCC, KRCC, RMSE and the logistic fit.

All of it is computed once, in float64, from the whole table of rows: an average of correlations
over batches is another number. Correlations keep their sign: upside down is -1.

Where a correlation does not exist (one row, constant scores or constant opinions) it is 0.0,
"ranks nothing", so that a run whose student has collapsed goes on, is seen, and is not chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

Vector = NDArray[np.float64]


def srcc(score: ArrayLike, mos: ArrayLike) -> float:
    """Returns Spearman's rank correlation, in [-1, 1]; ties share their mean rank.

    Args:
        score: predictions, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.

    Example:
        >>> round(srcc([1, 2, 3, 4], [0.1, 0.2, 0.9, 0.4]), 6)
        0.8
    """
    return _correlation(stats.spearmanr, score, mos)


def plcc(score: ArrayLike, mos: ArrayLike) -> float:
    """Returns Pearson's linear correlation, in [-1, 1], of the scores as they are.

    Args:
        score: predictions, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.

    Example:
        >>> round(plcc([3, 2, 1], [0.1, 0.2, 0.3]), 6)
        -1.0
    """
    return _correlation(stats.pearsonr, score, mos)


def krcc(score: ArrayLike, mos: ArrayLike) -> float:
    """Returns Kendall's rank correlation (tau-b, corrected for ties), in [-1, 1].

    Args:
        score: predictions, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.

    Example:
        >>> round(krcc([1, 2, 3], [0.1, 0.9, 0.4]), 4)
        0.3333
    """
    return _correlation(stats.kendalltau, score, mos)


def rmse(score: ArrayLike, mos: ArrayLike) -> float:
    """Returns the root mean squared error, in units of the opinions; lower is better.

    Args:
        score: predictions, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.

    Example:
        >>> rmse([0.5, 0.5], [0.25, 0.75])
        0.25
    """
    x, y = _pair(score, mos)
    return float(np.sqrt(np.mean((x - y) ** 2)))


@dataclass(frozen=True)
class LogisticFit:
    """A fitted logistic curve from scores to opinions; `fit(score)` maps :math:`(N,)` to the same.

    `parameters` belong to standardised scores and opinions; their means and standard deviations
    are `score_scale` and `mos_scale`. Where nothing could be fitted, `ok` is False and the curve
    is the identity.
    """

    parameters: tuple[float, ...] = ()
    score_scale: tuple[float, float] = (0.0, 1.0)
    mos_scale: tuple[float, float] = (0.0, 1.0)
    ok: bool = False

    def __call__(self, score: ArrayLike) -> Vector:
        """Returns the scores mapped onto the opinions, :math:`(N,)`."""
        x = np.asarray(score, np.float64)
        if not self.ok:
            return x
        b = self.parameters
        x = (x - self.score_scale[0]) / self.score_scale[1]
        if len(b) == 4:
            y = (b[0] - b[1]) * special.expit((x - b[2]) / abs(b[3])) + b[1]
        else:
            y = b[0] * (0.5 - special.expit(-b[1] * (x - b[2]))) + b[3] * x + b[4]
        return self.mos_scale[0] + self.mos_scale[1] * y


def fit_logistic(score: ArrayLike, mos: ArrayLike, num_parameters: int = 4) -> LogisticFit:
    r"""Returns the logistic curve that maps scores to opinions with least squared error.

    With four parameters, as AKD-IQA and CVRKD-IQA use it,
    :math:`f(x) = (b_1 - b_2) / (1 + \exp(-(x - b_3) / |b_4|)) + b_2`;
    with five, as in VQEG's reports,
    :math:`f(x) = b_1 (1/2 - 1 / (1 + \exp(b_2 (x - b_3)))) + b_4 x + b_5`.

    Both are linear in all but steepness and centre, so that only these two are searched, within
    bounds and from several starts, and the others follow by linear least squares (variable
    projection, Golub and Pereyra 1973). The customary search over all of them from one start
    often fails, and runs away where opinions rise exponentially. The curve may fall as well as
    rise: what is measured after it has no sign.

    Args:
        score: predictions, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.
        num_parameters: 4 or 5.

    Example:
        >>> x = np.linspace(0, 1, 50)
        >>> fit = fit_logistic(x, 1 / (1 + np.exp(-8 * (x - 0.4))))
        >>> fit.ok, round(float(fit(0.4)), 4)
        (True, 0.5)
    """
    x, y = _pair(score, mos)
    if len(x) <= num_parameters or _is_constant(x) or _is_constant(y):
        return LogisticFit()
    score_scale, mos_scale = (float(x.mean()), float(x.std())), (float(y.mean()), float(y.std()))
    x, y = (x - score_scale[0]) / score_scale[1], (y - mos_scale[0]) / mos_scale[1]

    def solve(shape: Vector) -> tuple[Vector, Vector]:
        steepness, center = np.exp(shape[0]), shape[1]
        columns = [special.expit(steepness * (x - center)), np.ones_like(x), x]
        design = np.stack(columns[: num_parameters - 2], axis=1)
        weights = np.linalg.lstsq(design, y, rcond=None)[0]
        return weights, design @ weights - y

    bounds = ([np.log(0.01), x.min() - 3], [np.log(1000), x.max() + 3])
    tried = [
        optimize.least_squares(
            lambda shape: solve(shape)[1], (np.log(steepness), center), bounds=bounds
        )
        for steepness in (1.0, 5.0)
        for center in (0.0, -1.0, 1.0)
    ]
    found = [fit for fit in tried if fit.success]
    if not found:
        return LogisticFit()
    shape = min(found, key=lambda fit: float(fit.cost)).x
    (height, floor, *slope), steepness = solve(shape)[0], np.exp(shape[0])
    if num_parameters == 4:
        parameters = (height + floor, floor, shape[1], 1 / steepness)
    else:
        parameters = (height, steepness, shape[1], *slope, floor + height / 2)
    return LogisticFit(tuple(map(float, parameters)), score_scale, mos_scale, ok=True)


def summarize(score: ArrayLike, mos: ArrayLike) -> dict[str, float]:
    """Returns all that is reported of one table of predictions.

    `srcc`, `plcc` and `krcc` are signed, and of the scores as they are; `plcc_fit` is taken after
    the four-parameter logistic fit. `rmse` is of the scores as they are and `rmse_fit` of the
    fitted ones, both in units of the opinions. `fit_ok` is 1.0, or 0.0 where there is no fit and
    the raw values stand in for the fitted ones; `n` counts the rows.

    Args:
        score: predictions, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.

    Raises:
        ValueError: if there are no rows, or a score or an opinion is not a finite number.

    Example:
        >>> row = summarize([0.1, 0.2, 0.3, 0.4, 0.6, 0.7], [0.0, 0.3, 0.2, 0.5, 0.8, 0.9])
        >>> {name: round(row[name], 3) for name in ("srcc", "krcc", "rmse", "n")}
        {'srcc': 0.943, 'krcc': 0.867, 'rmse': 0.141, 'n': 6}
    """
    x, y = _pair(score, mos)
    fit = fit_logistic(x, y)
    return {
        "srcc": srcc(x, y),
        "plcc": plcc(x, y),
        "plcc_fit": plcc(fit(x), y),
        "krcc": krcc(x, y),
        "rmse": rmse(x, y),
        "rmse_fit": rmse(fit(x), y),
        "fit_ok": float(fit.ok),
        "n": len(x),
    }


def _pair(score: ArrayLike, mos: ArrayLike) -> tuple[Vector, Vector]:
    x, y = np.asarray(score, np.float64), np.asarray(mos, np.float64)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise ValueError(
            f"Scores of shape {x.shape} do not stand row by row beside opinions of shape "
            f"{y.shape}. Give two vectors of one length, with at least one row."
        )
    for name, values, remedy in (
        (
            "scores",
            x,
            "Training has diverged: lower the learning rate.",
        ),
        ("opinions", y, "Look for an empty cell in the data set's label file."),
    ):
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise ValueError(
                f"{len(bad)} of {len(values)} {name} are not finite numbers, the first in row "
                f"{bad[0]}. {remedy}"
            )
    return x, y


def _correlation(measure: Callable, score: ArrayLike, mos: ArrayLike) -> float:
    x, y = _pair(score, mos)
    return 0.0 if _is_constant(x) or _is_constant(y) else float(measure(x, y).statistic)


def _is_constant(values: Vector) -> bool:
    # Equal up to float32 rounding: a dead student's outputs differ in their last bits.
    return bool(np.ptp(values) <= 1e-6 * max(1e-30, np.abs(values).max()))
