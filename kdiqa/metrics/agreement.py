"""How far two models agree on which images are in which fifth: a teacher and its student."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kdiqa.metrics.correlation import srcc
from kdiqa.metrics.vectors import Vector, pair


class Agreement(NamedTuple):
    """The agreement of two models' scores of the same images."""

    parts: NDArray[np.int64]
    """Each image's part, 0 the worst: the first model's and the second's, :math:`(2, N)`."""
    counts: NDArray[np.int64]
    """Images by part: rows are the first model's, columns the second's, :math:`(K, K)`."""
    same: float
    """The share of images that both put into one part, in [0, 1]; by chance 1 / K."""
    near: float
    """The share that they put into one part or into neighbours, in [0, 1]."""
    srcc: float
    """Spearman's correlation of both scores, in [-1, 1]."""


def agreement(first: ArrayLike, second: ArrayLike, num: int = 5) -> Agreement:
    """Returns how far two models agree on which images are in which fifth of all.

    The parts are of each model's own scores: a teacher may have learnt another data set's scale,
    and what a student takes from it is the order. Equal scores share a part.

    Args:
        first: scores of one model, :math:`(N,)`, higher is better.
        second: the other's.
        num: how many parts, K.

    Raises:
        ValueError: if there are no images, or a score is not finite.

    Example:
        >>> result = agreement([1, 4, 9, 8], [0.2, 0.7, 0.5, 0.9], num=2)
        >>> result.counts.tolist(), result.same, result.near
        ([[1, 1], [1, 1]], 0.5, 1.0)
    """
    x, y = pair(first, second)
    parts = np.stack([_parts(x, num), _parts(y, num)])
    counts = np.zeros((num, num), np.int64)
    np.add.at(counts, tuple(parts), 1)
    steps = np.abs(parts[0] - parts[1])
    same, near = float(np.mean(steps == 0)), float(np.mean(steps <= 1))
    return Agreement(parts, counts, same, near, srcc(x, y))


def _parts(scores: Vector, num: int) -> NDArray[np.int64]:
    edges = np.quantile(scores, np.linspace(0, 1, num + 1)[1:-1])
    return np.searchsorted(edges, scores)
