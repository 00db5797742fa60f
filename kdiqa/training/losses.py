"""Losses of predicted scores: on their values, on their order, and where labels are masked.

A loss that leaves out images whose label is NaN says so: ``accepts_unlabelled = True``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def plcc_loss(score: Tensor, mos: Tensor, eps: float = 1e-8) -> Tensor:
    r"""Returns the linear-correlation loss of a batch.

    .. math:: \mathcal{L} = \tfrac{1}{2} (1 - \rho(\hat{q}, q)) \in [0, 1]

    The batch is the one at hand: under DDP, each process correlates its own share.

    Args:
        score: The predicted scores, :math:`(B,)`.
        mos: The labels, :math:`(B,)`.
        eps: Keeps the loss of a constant batch finite.

    Example:
        >>> mos = torch.tensor([0.1, 0.4, 0.8])
        >>> round(plcc_loss(3 * mos + 1, mos).item(), 4), round(plcc_loss(-mos, mos).item(), 4)
        (0.0, 1.0)
    """
    score, mos = score - score.mean(), mos - mos.mean()
    rho = (score * mos).sum() / (score.norm() * mos.norm() + eps)
    return (1 - rho) / 2


class ScoreLoss(nn.Module):
    r"""Smooth L1 on the values plus the linear-correlation loss on their order.

    .. math:: \mathrm{SmoothL1}_\beta(\hat{q}, q) + \lambda \, \mathcal{L}_{\mathrm{PLCC}}

    Args:
        beta: Where smooth L1 turns from a square into a line, in label units; official: 1.
        correlation: The weight λ; 0 is the official loss.
    """

    def __init__(self, beta: float = 1.0, correlation: float = 0.0) -> None:
        super().__init__()
        self.beta, self.correlation = beta, correlation

    def forward(self, score: Tensor, mos: Tensor) -> Tensor:
        """Returns the loss of a batch, in float32."""
        score, mos = score.float(), mos.float()
        value = F.smooth_l1_loss(score, mos, beta=self.beta)
        return value + self.correlation * plcc_loss(score, mos)


class LabelledScoreLoss(ScoreLoss):
    """:class:`ScoreLoss` of the labelled images; a batch without any has no gradient.

    Args:
        beta: As for :class:`ScoreLoss`.
        correlation: Likewise.
    """

    accepts_unlabelled = True

    def forward(self, score: Tensor, mos: Tensor) -> Tensor:
        """Returns the loss of a batch, in float32."""
        score, mos = score.float(), mos.float()
        labelled = ~mos.isnan()
        count = labelled.sum().clamp(min=1)
        # Filled with the others' means, which is no difference and adds nothing to a correlation;
        # nothing is left out by its index: the host would wait for the device.
        score_mean, mos_mean = (torch.where(labelled, x, 0).sum() / count for x in (score, mos))
        score = torch.where(labelled, score, score_mean.detach())
        target = torch.where(labelled, mos, score.detach())
        value = F.smooth_l1_loss(score, target, beta=self.beta) * (len(mos) / count)
        order = plcc_loss(score, torch.where(labelled, mos, mos_mean))
        return value + self.correlation * order


class LabelledLoss(nn.Module):
    r"""The mean squared error over the images whose label is known; 0 where none is.

    .. math:: \frac{\beta}{|L|} \sum_{n \in L} (\hat{q}_n - q_n)^2

    Args:
        weight: Its weight β, with the soft targets' 1 - β.

    Example:
        >>> LabelledLoss()(torch.tensor([1.0, 5.0]), torch.tensor([3.0, float("nan")]))
        tensor(4.)
    """

    accepts_unlabelled = True

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, score: Tensor, mos: Tensor) -> Tensor:
        """Returns the loss of a batch, in float32."""
        score, mos = score.float(), mos.float()
        labelled = ~mos.isnan()
        # Filled before the difference: a NaN's gradient would be NaN, even where it is left out.
        error = score - torch.where(labelled, mos, score.detach())
        return self.weight * (error.square().sum() / labelled.sum().clamp(min=1))
