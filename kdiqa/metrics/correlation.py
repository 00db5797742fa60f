"""Agreement of predicted scores with the MOS: SRCC, PLCC, KRCC, RMSE and the logistic fit.

All of it is computed once, in float64, from all rows at once: an average of correlations
over batches is another number. Correlations keep their sign: upside down is -1.

Where a correlation does not exist (one row, constant scores or constant labels) it is 0.0,
"ranks nothing", so that a run whose student has collapsed goes on, is seen, and is not chosen.

All take `score`, predictions, and `mos`, labels, both :math:`(N,)`. They raise ValueError where
there are no rows, or a score or a label is not a finite number.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from kdiqa.metrics.logistic import fit_logistic
from kdiqa.metrics.vectors import is_constant, pair


def srcc(score: ArrayLike, mos: ArrayLike) -> float:
    """Returns Spearman's rank correlation, in [-1, 1]; ties share their mean rank.

    Example:
        >>> round(srcc([1, 2, 3, 4], [0.1, 0.2, 0.9, 0.4]), 6)
        0.8
    """
    return _correlation(stats.spearmanr, score, mos)


def plcc(score: ArrayLike, mos: ArrayLike) -> float:
    """Returns Pearson's linear correlation, in [-1, 1], of the scores as they are.

    Example:
        >>> round(plcc([3, 2, 1], [0.1, 0.2, 0.3]), 6)
        -1.0
    """
    return _correlation(stats.pearsonr, score, mos)


def krcc(score: ArrayLike, mos: ArrayLike) -> float:
    """Returns Kendall's rank correlation (tau-b, corrected for ties), in [-1, 1].

    Example:
        >>> round(krcc([1, 2, 3], [0.1, 0.9, 0.4]), 4)
        0.3333
    """
    return _correlation(stats.kendalltau, score, mos)


def rmse(score: ArrayLike, mos: ArrayLike) -> float:
    """Returns the root mean squared error, in units of the MOS; lower is better.

    Example:
        >>> rmse([0.5, 0.5], [0.25, 0.75])
        0.25
    """
    x, y = pair(score, mos)
    return float(np.sqrt(np.mean((x - y) ** 2)))


def summarize(score: ArrayLike, mos: ArrayLike) -> dict[str, float]:
    """Returns all that is reported of one table of predictions.

    `srcc`, `plcc`, `krcc` and `rmse` are of the scores as they are, the correlations signed.
    `plcc_fit` and `rmse_fit` are taken after the four-parameter logistic curve, `plcc_fit5` and
    `rmse_fit5` after the five-parameter one; each RMSE is in units of the MOS. `fit_ok` and
    `fit5_ok` are 1.0 where the curve's search converged, or 0.0 where there is no curve and the
    raw values stand in for the fitted ones. `n` counts the rows.

    Example:
        >>> row = summarize([0.1, 0.2, 0.3, 0.4, 0.6, 0.7], [0.0, 0.3, 0.2, 0.5, 0.8, 0.9])
        >>> {name: round(row[name], 3) for name in ("srcc", "krcc", "rmse", "n")}
        {'srcc': 0.943, 'krcc': 0.867, 'rmse': 0.141, 'n': 6}
    """
    x, y = pair(score, mos)
    fit, fit5 = fit_logistic(x, y, 4), fit_logistic(x, y, 5)
    return {
        "srcc": srcc(x, y),
        "plcc": plcc(x, y),
        "plcc_fit": plcc(fit(x), y),
        "plcc_fit5": plcc(fit5(x), y),
        "krcc": krcc(x, y),
        "rmse": rmse(x, y),
        "rmse_fit": rmse(fit(x), y),
        "rmse_fit5": rmse(fit5(x), y),
        "fit_ok": float(fit.ok),
        "fit5_ok": float(fit5.ok),
        "n": len(x),
    }


def of_constant(metrics: Mapping[str, float]) -> bool:
    """Returns whether metrics are of scores, or labels, that rank nothing: all correlations are 0.

    Example:
        >>> of_constant(summarize([0.5, 0.5, 0.5], [0.1, 0.2, 0.3]))
        True
    """
    return all(metrics.get(name) == 0.0 for name in ("srcc", "plcc", "krcc"))


def _correlation(measure: Callable, score: ArrayLike, mos: ArrayLike) -> float:
    x, y = pair(score, mos)
    return 0.0 if is_constant(x) or is_constant(y) else float(measure(x, y).statistic)
