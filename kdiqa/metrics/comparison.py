"""Whether one method agrees better with the MOS than another, on the same images.

Steiger's test speaks of other images, as the bootstrap does; Wilcoxon's of other splits or seeds.
Both are two-sided, swapping the methods changes nothing, and p is 1.0 where nothing can be tested.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from kdiqa.metrics.correlation import srcc
from kdiqa.metrics.vectors import pair


def steiger(score_a: ArrayLike, score_b: ArrayLike, mos: ArrayLike) -> float:
    r"""Returns p of Steiger's Z test of two Spearman correlations with the same MOS.

    .. math:: Z = \frac{(z_a - z_b) \sqrt{N - 3}}{\sqrt{2 - 2 \bar s}}, \qquad
        \bar s = \frac{r_{ab} (1 - 2 \bar r^2) - \bar r^2 (1 - 2 \bar r^2 - r_{ab}^2) / 2}
        {(1 - \bar r^2)^2}

    with :math:`z = \operatorname{artanh} r` and :math:`\bar r` the mean of both correlations
    (his equations 3, 11 and 14). Its application to ranks is customary, and an approximation. It
    takes images to be independent: on synthetic data sets, where images share contents, prefer
    the bootstrap by contents.

    Args:
        score_a: predictions of one method, :math:`(N,)`.
        score_b: those of the other, for the same images, :math:`(N,)`.
        mos: labels, :math:`(N,)`.

    References:
        | Tests for Comparing Elements of a Correlation Matrix (Steiger, 1980)
        | https://doi.org/10.1037/0033-2909.87.2.245

    Example:
        >>> mos = np.linspace(0, 1, 100)
        >>> better, worse = mos + 0.1 * np.sin(97 * mos), mos + np.sin(89 * mos)
        >>> steiger(better, worse, mos) < 1e-6
        True
    """
    r_a, r_b, r_ab = srcc(score_a, mos), srcc(score_b, mos), srcc(score_a, score_b)
    num = len(np.asarray(mos))
    if num < 5 or max(abs(r_a), abs(r_b)) >= 1 or r_ab >= 1:
        return 1.0
    square = ((r_a + r_b) / 2) ** 2
    shared = r_ab * (1 - 2 * square) - square * (1 - 2 * square - r_ab**2) / 2
    shared /= (1 - square) ** 2
    if shared >= 1:
        return 1.0
    z = (np.arctanh(r_a) - np.arctanh(r_b)) * np.sqrt((num - 3) / (2 - 2 * shared))
    return float(2 * stats.norm.sf(abs(z)))


def wilcoxon(values_a: ArrayLike, values_b: ArrayLike) -> float:
    """Returns p of Wilcoxon's signed-rank test of a measure over splits or seeds.

    Of S splits the smallest is 2 / 2^S, 0.0625 for five: six splits or more are needed to find
    anything at the level of 0.05.

    Args:
        values_a: the measure of one method on each split, :math:`(S,)`.
        values_b: that of the other, on the same splits, :math:`(S,)`.

    Example:
        >>> wilcoxon([0.8, 0.7, 0.9, 0.85, 0.6], [0.7, 0.65, 0.8, 0.7, 0.59])
        0.0625
    """
    a, b = pair(values_a, values_b)
    difference = (a - b)[a != b]
    return float(stats.wilcoxon(difference).pvalue) if len(difference) else 1.0


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
