"""Whether one method agrees better with opinions than another, on the same images.

The tests of dependent correlations and the bootstrap speak of other images; Wilcoxon's of other
splits (or seeds). Swapping the two methods changes signs and nothing else.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from kdiqa.metrics.correlation import plcc, srcc
from kdiqa.metrics.resampling import Interval, Measure, bootstrap, groups_of, weighted_srcc
from kdiqa.metrics.vectors import Vector, pair


class Outcome(NamedTuple):
    """What a test found."""

    statistic: float
    """Positive where the first method is the better one; 0.0 where nothing could be tested."""
    p_value: float
    """Two-sided, in [0, 1]; 1.0 where nothing could be tested."""


NOTHING = Outcome(0.0, 1.0)


def steiger(score_a: ArrayLike, score_b: ArrayLike, mos: ArrayLike, rank: bool = True) -> Outcome:
    r"""Returns Steiger's Z test of two correlations with the same opinions.

    .. math:: Z = \frac{(z_a - z_b) \sqrt{N - 3}}{\sqrt{2 - 2 \bar s}}, \qquad
        \bar s = \frac{r_{ab} (1 - 2 \bar r^2) - \bar r^2 (1 - 2 \bar r^2 - r_{ab}^2) / 2}
        {(1 - \bar r^2)^2}

    with :math:`z = \operatorname{artanh} r` and :math:`\bar r` the mean of both correlations
    (his equations 3, 11 and 14). For Spearman's correlations it is applied to ranks, as is
    customary; this is an approximation. It takes images to be independent: on synthetic data
    sets, where contents are shared, prefer :func:`bootstrap_difference` by contents.

    Args:
        score_a: predictions of one method, :math:`(N,)`.
        score_b: those of the other, for the same images, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.
        rank: compares Spearman's correlations; otherwise Pearson's.

    References:
        | Tests for Comparing Elements of a Correlation Matrix (Steiger, 1980)
        | https://doi.org/10.1037/0033-2909.87.2.245

    Example:
        >>> mos = np.linspace(0, 1, 100)
        >>> better, worse = mos + 0.1 * np.sin(97 * mos), mos + np.sin(89 * mos)
        >>> steiger(better, worse, mos).p_value < 1e-6
        True
    """
    return steiger_of(*_correlations(score_a, score_b, mos, rank))


def steiger_of(r_a: float, r_b: float, r_ab: float, num_images: int) -> Outcome:
    """Returns Steiger's Z test from the correlations themselves.

    Args:
        r_a: of the first method with the opinions.
        r_b: of the second.
        r_ab: of the two methods with each other.
        num_images: N.

    Example:
        >>> found = steiger_of(0.5, 0.4, 0.1, 103)
        >>> round(found.statistic, 4), round(found.p_value, 4)
        (0.8887, 0.3742)
    """
    if num_images < 5 or max(abs(r_a), abs(r_b)) >= 1 or r_ab >= 1:
        return NOTHING
    square = ((r_a + r_b) / 2) ** 2
    shared = r_ab * (1 - 2 * square) - square * (1 - 2 * square - r_ab**2) / 2
    shared /= (1 - square) ** 2
    if shared >= 1:
        return NOTHING
    z = (np.arctanh(r_a) - np.arctanh(r_b)) * np.sqrt((num_images - 3) / (2 - 2 * shared))
    return Outcome(float(z), float(2 * stats.norm.sf(abs(z))))


def williams(score_a: ArrayLike, score_b: ArrayLike, mos: ArrayLike, rank: bool = True) -> Outcome:
    r"""Returns Williams's t test of two correlations with the same opinions.

    .. math:: t = (r_a - r_b) \sqrt{\frac{(N - 1)(1 + r_{ab})}
        {2 \frac{N - 1}{N - 3} |R| + \bar r^2 (1 - r_{ab})^3}}, \qquad
        |R| = 1 - r_a^2 - r_b^2 - r_{ab}^2 + 2 r_a r_b r_{ab}

    with N - 3 degrees of freedom: Steiger's own advice for small N. What is said of ranks and of
    contents at :func:`steiger` holds here.

    Args:
        score_a: predictions of one method, :math:`(N,)`.
        score_b: those of the other, for the same images, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.
        rank: compares Spearman's correlations; otherwise Pearson's.

    References:
        | Regression Analysis (Williams, 1959), in the form of Steiger's equation 7 (1980)
        | https://doi.org/10.1037/0033-2909.87.2.245

    Example:
        >>> mos = np.linspace(0, 1, 100)
        >>> williams(mos, mos, mos)
        Outcome(statistic=0.0, p_value=1.0)
    """
    return williams_of(*_correlations(score_a, score_b, mos, rank))


def williams_of(r_a: float, r_b: float, r_ab: float, num_images: int) -> Outcome:
    """Returns Williams's t test from the correlations themselves.

    Args:
        r_a: of the first method with the opinions.
        r_b: of the second.
        r_ab: of the two methods with each other.
        num_images: N.

    Example:
        >>> found = williams_of(0.5, 0.4, 0.1, 103)
        >>> round(found.statistic, 4), round(found.p_value, 4)
        (0.8913, 0.3749)
    """
    if num_images < 5 or r_ab >= 1:
        return NOTHING
    determinant = max(0.0, 1 - r_a**2 - r_b**2 - r_ab**2 + 2 * r_a * r_b * r_ab)
    n, mean = num_images, (r_a + r_b) / 2
    scale = 2 * (n - 1) / (n - 3) * determinant + mean**2 * (1 - r_ab) ** 3
    if scale <= 1e-30:
        return NOTHING
    t = (r_a - r_b) * np.sqrt((n - 1) * (1 + r_ab) / scale)
    return Outcome(float(t), float(2 * stats.t.sf(abs(t), n - 3)))


def bootstrap_difference(
    score_a: ArrayLike,
    score_b: ArrayLike,
    mos: ArrayLike,
    contents: ArrayLike | None = None,
    measure: Measure = weighted_srcc,
    level: float = 0.95,
    num_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Returns by how much the first method agrees better, with its BCa interval and p-value.

    Both methods are measured on the same resamples.

    Args:
        score_a: predictions of one method, :math:`(N,)`.
        score_b: those of the other, for the same images, :math:`(N,)`.
        mos: opinions, :math:`(N,)`.
        contents: what each image shows, :math:`(N,)`; None resamples single images.
        measure: as for :func:`~kdiqa.metrics.intervals.bootstrap_interval`.
        level: of confidence.
        num_resamples: how many are drawn.
        seed: of the draws.

    Example:
        >>> mos = np.linspace(0, 1, 100)
        >>> better, worse = mos + 0.1 * np.sin(97 * mos), mos + np.sin(89 * mos)
        >>> bootstrap_difference(better, worse, mos).low > 0
        True
    """
    (a, y), (b, _) = pair(score_a, mos), pair(score_b, mos)
    groups = groups_of(len(y), contents)

    def difference(weights: np.ndarray) -> Vector:
        return measure(a, y, weights) - measure(b, y, weights)

    return bootstrap(difference, groups, level, num_resamples, seed)


def wilcoxon(values_a: ArrayLike, values_b: ArrayLike) -> Outcome:
    """Returns Wilcoxon's signed-rank test of a measure over splits or seeds.

    Its statistic is the rank-biserial correlation in [-1, 1]: the share of ranks in favour of the
    first method less the share against it. Of S splits the smallest p-value is 2 / 2^S, 0.0625
    for five: six splits or more are needed to find anything at the level of 0.05.

    Args:
        values_a: the measure of one method on each split, :math:`(S,)`.
        values_b: that of the other, on the same splits, :math:`(S,)`.

    Example:
        >>> wilcoxon([0.8, 0.7, 0.9, 0.85, 0.6], [0.7, 0.65, 0.8, 0.7, 0.59])
        Outcome(statistic=1.0, p_value=0.0625)
    """
    a, b = pair(values_a, values_b)
    difference = (a - b)[a != b]
    if not len(difference):
        return NOTHING
    ranks = stats.rankdata(np.abs(difference))
    favour = float(np.sum(ranks * np.sign(difference)) / ranks.sum())
    return Outcome(favour, float(stats.wilcoxon(difference).pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for their number by Holm's step-down method, in the same order.

    Args:
        p_values: of a family of tests, such as all methods of a table against one baseline.

    References:
        | A Simple Sequentially Rejective Multiple Test Procedure (Holm, 1979)

    Example:
        >>> [round(p, 6) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]


def _correlations(
    score_a: ArrayLike, score_b: ArrayLike, mos: ArrayLike, rank: bool
) -> tuple[float, float, float, int]:
    measure = srcc if rank else plcc
    a, y = pair(score_a, mos)
    b, _ = pair(score_b, mos)
    return measure(a, y), measure(b, y), measure(a, b), len(y)
