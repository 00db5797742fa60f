"""Losses on a teacher's scores, in place of labels or together with them.

References:
    | Sang et al., JVCIR 2023: soft targets first, soft targets and labels jointly then. Its
      abstract says no more; every formula here is our interpretation.
"""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.batch import Prediction
from kdiqa.training.distiller import log_bins


class SoftScore(nn.Module):
    """Smooth L1 between the student's score and the teacher's mean; β is in label units."""

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = beta

    def check(self, head: nn.Module) -> None:
        """Takes any head: all give scores."""

    def forward(self, student: Prediction, mean: Tensor, std: Tensor, head: Any) -> Tensor:
        r"""Returns the loss of a batch, a scalar.

        Of the teacher's scores in label units, :math:`(B,)`, and their deviation over its views.
        """
        return F.smooth_l1_loss(student.score.float(), mean.float(), beta=self.beta)


class SoftBins(nn.Module):
    r"""The divergence between the teacher's distribution over bins and the student's.

    .. math::
        \tau^2 \, \mathrm{KL}(p_T^{(\tau)} \| p_S^{(\tau)}), \quad
        p_T(k) \propto \exp\left(-\frac{(\bar{s}_T - c_k)^2}{2 \sigma^2}\right), \quad
        \sigma = \max(\sigma_0, s_{std})

    Args:
        temperature: τ, which flattens both.
        floor: σ₀, in label units: a teacher of one view has no deviation.
    """

    def __init__(self, temperature: float = 2.0, floor: float = 0.05) -> None:
        super().__init__()
        self.temperature, self.floor = temperature, floor

    def check(self, head: nn.Module) -> None:
        """Refuses a head without bins."""
        if not hasattr(head, "centres"):
            raise ValueError(
                "Soft targets over bins (distiller=soft_bins) need a student that predicts bins, and"
                f" this one has a {type(head).__name__}. Set net=pooled_bins, or"
                " distiller=soft_score."
            )

    def forward(self, student: Prediction, mean: Tensor, std: Tensor, head: Any) -> Tensor:
        """Returns the loss of a batch, a scalar; as for :class:`SoftScore`."""
        target = log_bins(mean.float(), std.float().clamp(min=self.floor), head.centres)
        wanted = (target / self.temperature).log_softmax(-1)
        log_p = (head(student.fused).float() / self.temperature).log_softmax(-1)
        divergence = F.kl_div(log_p, wanted, reduction="batchmean", log_target=True)
        return self.temperature**2 * divergence


def rank_loss(score: Tensor, target: Tensor, margin: float = 0.0) -> Tensor:
    r"""Returns the hinge loss on a batch's pairs in the teacher's order.

    .. math:: \frac{1}{B(B-1)} \sum_{i \ne j} \max(0, m - \mathrm{sign}(t_i - t_j)(s_i - s_j))

    Args:
        score: The student's scores, :math:`(B,)`.
        target: The teacher's, :math:`(B,)`; pairs that it scores alike count nothing.
        margin: m, in label units.

    Example:
        >>> import torch
        >>> float(rank_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.2, 0.9])))
        0.0
        >>> float(rank_loss(torch.tensor([2.0, 1.0]), torch.tensor([0.2, 0.9])))
        1.0
    """
    score, target = score.float(), target.float()
    order = (target.unsqueeze(1) - target.unsqueeze(0)).sign()
    gap = score.unsqueeze(1) - score.unsqueeze(0)
    hinge = (margin - order * gap).clamp(min=0) * order.abs()
    return hinge.sum() / max(1, len(score) * (len(score) - 1))


def counted(score: Tensor, mos: Tensor, teacher: Tensor, margin: float | None) -> Tensor:
    r"""Returns which images are learnt from their labels, bool :math:`(B,)`.

    Not those without a label (NaN), and with a margin m only those where the student is no better
    than the teacher by more than it: :math:`|s_S - y| > |s_T - y| - m`.

    Args:
        score: The student's scores, :math:`(B,)`.
        mos: The labels.
        teacher: The teacher's scores.
        margin: m, in label units; None bounds nothing.

    References:
        | Learning Efficient Object Detection Models with Knowledge Distillation (Chen et al., 2017)
    """
    labelled = ~mos.isnan()
    if margin is None:
        return labelled
    return labelled & ((score.detach() - mos).abs() > (teacher - mos).abs() - margin)
