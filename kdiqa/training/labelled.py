"""The loss of a batch in which some opinions are not told."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def labelled_mse(score: Tensor, mos: Tensor) -> Tensor:
    r"""Returns the mean squared error over the images whose opinion is told; 0 where none is.

    .. math:: \frac{1}{|L|} \sum_{n \in L} (\hat{q}_n - q_n)^2

    Args:
        score: The predicted scores, :math:`(B,)`.
        mos: The opinion scores, NaN where they are not told, :math:`(B,)`.

    Example:
        >>> labelled_mse(torch.tensor([1.0, 5.0]), torch.tensor([3.0, float("nan")]))
        tensor(4.)
    """
    told = ~mos.isnan()
    # Filled before the difference: a NaN's gradient would be NaN, even where it is left out.
    error = score - torch.where(told, mos, score.detach())
    return error.square().sum() / told.sum().clamp(min=1)


class LabelledLoss(nn.Module):
    """The weighted mean squared error of the labelled images, see :func:`labelled_mse`.

    Args:
        weight: Its weight β beside the soft targets' 1 - β.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, score: Tensor, mos: Tensor) -> Tensor:
        """Returns the loss of a batch, in float32."""
        return self.weight * labelled_mse(score.float(), mos.float())
