"""The table of per-image rows that every reported number comes from, gathered from all ranks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch.distributed as dist
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

TOLERANCE = 0.02  # of two scores of one image, relative to 1 + their size: covers bfloat16


@dataclass(frozen=True)
class Rows:
    """One row an image, sorted by index.

    Attributes:
        index: position in the data set, :math:`(N,)`, int64, strictly rising.
        mos: labels, :math:`(N,)`, float64, higher is better.
        score: predictions, :math:`(N,)`, float64, higher is better.
    """

    index: NDArray[np.int64]
    mos: NDArray[np.float64]
    score: NDArray[np.float64]


def merge(
    indices: Sequence[ArrayLike], scores: Sequence[ArrayLike], mos: Sequence[ArrayLike]
) -> Rows:
    """Returns the rows of all parts as one table, each image once.

    Samplers pad until every rank has as many batches, so that an image may come back twice. Its
    first row counts; others may differ by rounding, as their batch held other images.

    Args:
        indices: for each part (a batch, or a rank), positions in the data set, :math:`(N_i,)`.
        scores: for each part, the predictions, :math:`(N_i,)`.
        mos: for each part, the labels, :math:`(N_i,)`.

    Raises:
        ValueError: if rows of one image contradict each other.

    Example:
        >>> rows = merge([[2, 0], [1, 2]], [[0.9, 0.1], [0.5, 0.9]], [[1.0, 0.0], [0.4, 1.0]])
        >>> rows.index.tolist(), rows.score.tolist()
        ([0, 1, 2], [0.1, 0.5, 0.9])
    """
    index = _join(indices, np.int64)
    score, label = _join(scores, np.float64), _join(mos, np.float64)
    unique, first, row = np.unique(index, return_index=True, return_inverse=True)
    rows = Rows(unique, label[first], score[first])

    same_mos = np.isclose(label, rows.mos[row], rtol=1e-6, atol=1e-6, equal_nan=True)
    same_score = np.isclose(score, rows.score[row], rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    wrong = np.flatnonzero(~(same_mos & same_score))
    if len(wrong):
        image = index[wrong[0]]
        rows_of_it = np.stack([label, score], axis=1)[index == image]
        values = [tuple(row) for row in rows_of_it.tolist()]
        raise ValueError(
            f"Rows of image {image} contradict each other: (mos, score) = {values}. Either two "
            "images share this index, or the ranks differ in weights: give all ranks one seed."
        )
    return rows


def gather(index: Tensor, score: Tensor, mos: Tensor) -> Rows:
    """Returns the table of all ranks, on all ranks; call it on every one of them.

    Args:
        index: this rank's positions in the data set, :math:`(N,)`.
        score: its predictions, :math:`(N,)`, higher is better.
        mos: its labels, :math:`(N,)`, higher is better.
    """
    mine = (index.cpu().numpy(), score.double().cpu().numpy(), mos.double().cpu().numpy())
    parts = [mine]
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        parts = [mine] * dist.get_world_size()
        dist.all_gather_object(parts, mine)
    return merge(*zip(*parts, strict=True))


def _join(parts: Sequence[ArrayLike], dtype: type) -> NDArray:
    return np.concatenate([np.asarray(part, dtype).reshape(-1) for part in parts])
