r"""Measures of resampled tables, and the bootstrap intervals that follow from them.

A resample is a row of weights: how often each image stands in it, :math:`(R, N)` for R of them.
All are measured at once, by weighted sums. A resample draws contents, each with all of its
images, where contents are given: the images of one content are not independent of each other.
A measure takes scores and labels, both :math:`(N,)`, and weights.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from kdiqa.metrics.vectors import Vector

Weights = NDArray[np.float64]
Measure = Callable[[Vector, Vector, Weights], Vector]
LEVEL = 0.95  # of confidence
NUM_RESAMPLES, SEED = 2000, 0
MIN_GROUPS = 5  # of images, or of contents, for an interval
CHUNK = 2_000_000  # weights held at once: 16 MB


@dataclass(frozen=True)
class Interval:
    """An estimate of the table as it is, with its bounds; they are NaN where there are none.

    `p_value` is two-sided, of the bootstrap, for the estimate's being 0.
    """

    estimate: float
    low: float = np.nan
    high: float = np.nan
    p_value: float = np.nan


def weighted_plcc(score: Vector, mos: Vector, weights: Weights) -> Vector:
    """Returns Pearson's correlation of each resample, :math:`(R,)`; 0.0 where it is constant.

    Example:
        >>> x, y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])
        >>> weighted_plcc(x, y, np.array([[1.0, 1, 1], [2, 1, 0]])).round(4).tolist()
        [0.3273, 1.0]
    """
    return _correlations(score, mos, weights)


def weighted_srcc(score: Vector, mos: Vector, weights: Weights) -> Vector:
    """Returns Spearman's correlation of each resample, :math:`(R,)`; 0.0 where it is constant.

    Example:
        >>> x, y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])
        >>> weighted_srcc(x, y, np.array([[1.0, 1, 1]])).round(4).tolist()
        [0.5]
    """
    return _correlations(_ranks(score, weights), _ranks(mos, weights), weights)


def groups_of(num_images: int, contents: ArrayLike | None = None) -> NDArray[np.int64]:
    """Returns what is drawn together, numbered from 0: each image, or all images of a content.

    Args:
        num_images: N.
        contents: the content of each image, :math:`(N,)`; None draws single images.

    Raises:
        ValueError: if there is not one content for each image.

    Example:
        >>> groups_of(3).tolist(), groups_of(3, ["b", "a", "b"]).tolist()
        ([0, 1, 2], [1, 0, 1])
    """
    if contents is None:
        return np.arange(num_images)
    names = np.asarray(contents).astype(str)
    if names.shape != (num_images,):
        raise ValueError(
            f"{names.size} contents do not match {num_images} images row by row. Give the "
            "column content of the same table, or None where images share none."
        )
    return np.unique(names, return_inverse=True)[1]


def bootstrap(
    statistic: Callable[[Weights], Vector],
    groups: NDArray[np.int64],
    num_resamples: int = NUM_RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Returns a statistic with its bias-corrected and accelerated (BCa) bootstrap interval, 95 %.

    Fewer than five groups give no bounds. The p-value is the percentile bootstrap's: twice the
    smaller share of resamples on either side of 0. A statistic and its negative get the same
    interval, mirrored, and the same p-value.

    Args:
        statistic: of resamples :math:`(R, N)`, returns :math:`(R,)`.
        groups: what is drawn together, 0, 1, …, for each row, :math:`(N,)`.
        num_resamples: how many are drawn.
        seed: of the draws: the same groups and seed give the same resamples to every statistic.

    References:
        | Better Bootstrap Confidence Intervals (Efron, 1987)
        | https://doi.org/10.1080/01621459.1987.10478410
    """
    estimate = float(statistic(np.ones((1, len(groups))))[0])
    num = int(groups.max()) + 1
    if num < MIN_GROUPS:
        return Interval(estimate)
    drawn = np.concatenate([statistic(w) for w in _resamples(groups, num_resamples, seed)])
    left_out = np.concatenate([statistic(w) for w in _jackknife(groups)])
    tails = stats.norm.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    below = float(np.mean(drawn < estimate) + np.mean(drawn <= estimate)) / 2
    deviation = left_out.mean() - left_out
    spread = float(np.sum(deviation**2)) ** 1.5
    # At the edge of what is possible, as for a perfect correlation, there is no bias to correct.
    bias = float(stats.norm.ppf(below)) if 0 < below < 1 else 0.0
    acceleration = float(np.sum(deviation**3)) / (6 * spread) if spread > 1e-30 else 0.0
    shifted = bias + (bias + tails) / (1 - acceleration * (bias + tails))
    low, high = np.quantile(drawn, stats.norm.cdf(shifted))
    sides = (np.sum(drawn <= 0) + 1, np.sum(drawn >= 0) + 1)
    p_value = min(1.0, 2 * min(sides) / (num_resamples + 1))
    return Interval(estimate, float(low), float(high), float(p_value))


def _resamples(groups: NDArray[np.int64], count: int, seed: int) -> Iterator[Weights]:
    random, num = np.random.default_rng(seed), int(groups.max()) + 1
    for size in _sizes(count, len(groups)):
        yield random.multinomial(num, np.full(num, 1 / num), size)[:, groups].astype(np.float64)


def _jackknife(groups: NDArray[np.int64]) -> Iterator[Weights]:
    num, first = int(groups.max()) + 1, 0
    for size in _sizes(num, len(groups)):
        yield (groups != np.arange(first, first + size)[:, None]).astype(np.float64)
        first += size


def _sizes(count: int, width: int) -> list[int]:
    step = max(1, CHUNK // width)
    return [min(step, count - first) for first in range(0, count, step)]


def _ranks(values: Vector, weights: Weights) -> NDArray[np.float64]:
    """Returns each row's mean rank among all the rows that a resample repeats, (R, N)."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    tied = np.add.reduceat(weights[:, np.argsort(inverse, kind="stable")], starts, axis=1)
    return (np.cumsum(tied, axis=1) - (tied - 1) / 2)[:, inverse]


def _correlations(x: Vector, y: Vector, weights: Weights) -> Vector:
    """Returns Pearson's correlation of rows (N,) or (R, N) under each row of weights."""
    total = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    scale = np.sqrt((weights * x**2).sum(axis=1) * (weights * y**2).sum(axis=1))
    product = (weights * x * y).sum(axis=1)
    return np.divide(product, scale, out=np.zeros_like(product), where=scale > 1e-300)
