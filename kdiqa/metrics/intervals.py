"""How far an agreement may lie from what one test split shows.

Intervals speak of other images (or contents) of the same kind. They say nothing of other splits,
seeds or data sets: those are repeated, and their spread is reported beside.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from kdiqa.metrics.resampling import (
    Interval,
    Measure,
    bootstrap,
    groups_of,
    weighted_plcc,
    weighted_rmse,
    weighted_srcc,
)
from kdiqa.metrics.vectors import is_constant, pair


def bootstrap_interval(
    score: ArrayLike,
    mos: ArrayLike,
    contents: ArrayLike | None = None,
    measure: Measure = weighted_srcc,
    level: float = 0.95,
    num_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Returns a measure of agreement with its BCa bootstrap interval.

    Give the contents of synthetic data sets: intervals by images are too narrow there, as images
    of one content are alike. Few contents make an interval by contents too narrow as well, though
    less so: five of them, as in a test split of TID2013, draw only 126 different resamples.

    Args:
        score: predictions, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.
        contents: what each image shows, :math:`(N,)`; None resamples single images.
        measure: :func:`~kdiqa.metrics.resampling.weighted_srcc`, or another beside it.
        level: of confidence.
        num_resamples: how many are drawn.
        seed: of the draws.

    Example:
        >>> mos = np.linspace(0, 1, 60)
        >>> found = bootstrap_interval(mos + 0.3 * np.sin(37 * mos), mos)
        >>> bool(0.7 < found.low < found.estimate < found.high < 0.97)
        True
    """
    x, y = pair(score, mos)
    if is_constant(x):
        x = np.zeros_like(x)
    return bootstrap(
        lambda weights: measure(x, y, weights),
        groups_of(len(x), contents),
        level,
        num_resamples,
        seed,
    )


def fisher_interval(
    correlation: float, num_images: int, rank: bool = True, level: float = 0.95
) -> tuple[float, float]:
    r"""Returns the closed-form interval of a correlation, by Fisher's z, to compare with.

    :math:`\tanh(\operatorname{artanh} r \pm z s)` with :math:`s^2 = 1 / (N - 3)` for Pearson's
    correlation and :math:`(1 + r^2 / 2) / (N - 3)` for Spearman's. It takes images to be
    independent and, for Pearson's, normal; the bootstrap does not. Fewer than five images give
    NaN.

    Args:
        correlation: in [-1, 1].
        num_images: N.
        rank: whether it is Spearman's.
        level: of confidence.

    References:
        | Sample size requirements for estimating Pearson, Kendall and Spearman correlations
        | (Bonett and Wright, 2000) https://doi.org/10.1007/BF02294183

    Example:
        >>> low, high = fisher_interval(0.5, 103, rank=False)
        >>> round(low, 4), round(high, 4)
        (0.3393, 0.6323)
    """
    if num_images < 5:
        return float("nan"), float("nan")
    if abs(correlation) >= 1:
        return correlation, correlation
    variance = (1 + correlation**2 / 2 if rank else 1.0) / (num_images - 3)
    reach = float(stats.norm.ppf((1 + level) / 2)) * variance**0.5
    low, high = np.tanh(np.arctanh(correlation) + np.array([-reach, reach]))
    return float(low), float(high)


def summarize_intervals(
    score: ArrayLike,
    mos: ArrayLike,
    contents: ArrayLike | None = None,
    level: float = 0.95,
    num_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Interval]:
    """Returns the intervals of SRCC, PLCC (raw) and RMSE, from the same resamples.

    Args:
        score: predictions, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.
        contents: what each image shows, :math:`(N,)`; None resamples single images.
        level: of confidence.
        num_resamples: how many are drawn.
        seed: of the draws.

    Example:
        >>> made = summarize_intervals([0.1, 0.3, 0.2, 0.6, 0.7, 0.9], [0, 0.2, 0.4, 0.5, 0.8, 1])
        >>> list(made), round(made["srcc"].estimate, 3)
        (['srcc', 'plcc', 'rmse'], 0.943)
    """
    measures = {"srcc": weighted_srcc, "plcc": weighted_plcc, "rmse": weighted_rmse}
    return {
        name: bootstrap_interval(score, mos, contents, measure, level, num_resamples, seed)
        for name, measure in measures.items()
    }
