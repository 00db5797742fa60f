"""What distillers share, and those of a fused vector, of a score, and of several others at once."""

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.batch import Distilled, Prediction

Feature = Literal["difference", "distorted"]


class Distiller(nn.Module):
    """Compares a student's prediction with its teacher's; a subclass says how in ``forward``.

    ``forward(student, teacher, mos)`` takes both predictions and the labels :math:`(B,)`, and returns
    a :class:`kdiqa.batch.Distilled`. What a subclass trains is the student's: it is in the optimizer
    and in the checkpoint.
    """

    def end_epoch(self) -> None:
        """Lets a distiller that remembers epochs move on; most do not."""


class FusedDistiller(Distiller):
    """The mean squared difference of the vectors the two heads score."""

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns the term ``fused``."""
        if student.fused.shape != teacher.fused.shape:
            raise ValueError(
                f"The student fuses to {tuple(student.fused.shape)} and the teacher to"
                f" {tuple(teacher.fused.shape)}. Give both the same net.fusion and net.crop_fusion."
            )
        return Distilled({"fused": F.mse_loss(student.fused.float(), teacher.fused.float())}, {})


class ScoreDistiller(Distiller):
    r"""Soft targets: smooth L1 between the student's scores and the teacher's.

    Args:
        standardise: Compares scores standardised within the batch, for a teacher whose scores
            stand on another data set's scale.
        beta: Of smooth L1.
        max_spread: Learns only from scores whose crops lie less far apart (their deviation, in
            label units); None trusts all.
    """

    def __init__(
        self, standardise: bool = True, beta: float = 1.0, max_spread: float | None = None
    ) -> None:
        super().__init__()
        self.standardise, self.beta, self.max_spread = standardise, beta, max_spread

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns the term ``soft_score``, and the share of images whose teacher is trusted."""
        s, t = student.score.float(), teacher.score.float().detach()
        if self.standardise:
            s, t = standardised(s), standardised(t)
        if self.max_spread is None:
            return Distilled({"soft_score": F.smooth_l1_loss(s, t, beta=self.beta)}, {})
        if teacher.spread is None:
            raise ValueError(
                "The distiller trusts a teacher by how far its scores of an image's crops lie apart"
                " (distiller.max_spread), and this one gives none. Set num_crops to 2 or more with a"
                " teacher that scores crop by crop, or max_spread=null."
            )
        trusted = (teacher.spread.float().detach() < self.max_spread).float()
        each = F.smooth_l1_loss(s, t, beta=self.beta, reduction="none")
        mean = (trusted * each).sum() / trusted.sum().clamp(min=1)
        return Distilled({"soft_score": mean}, {"trusted": trusted.mean()})


class CombinedDistiller(Distiller):
    """Several distillers at once, each with its factor.

    Args:
        distillers: By name; the names only tell them apart.
        factors: By the same names; 1 where a name is missing.
    """

    def __init__(
        self, distillers: Mapping[str, nn.Module], factors: Mapping[str, float] | None = None
    ) -> None:
        super().__init__()
        self.distillers = nn.ModuleDict(distillers)
        self.factors = dict(factors or {})
        if unknown := set(self.factors) - set(self.distillers):
            raise ValueError(
                f"distiller.factors names {sorted(unknown)}; there are {sorted(self.distillers)}."
            )

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns all terms and all that is watched."""
        terms: dict[str, Tensor] = {}
        watched: dict[str, Tensor] = {}
        for name, distiller in self.distillers.items():
            one = distiller(student, teacher, mos)
            terms |= {key: self.factors.get(name, 1.0) * term for key, term in one.terms.items()}
            watched |= one.watched
        return Distilled(terms, watched)

    def end_epoch(self) -> None:
        """Passes it on."""
        distiller: Any
        for distiller in self.distillers.values():
            distiller.end_epoch()


def blocks_of(prediction: Prediction, feature: Feature) -> Tensor:
    r"""Returns a prediction's stacked block outputs :math:`(K, L, B, T, D)`.

    Raises:
        ValueError: If its net was built without them.
    """
    blocks: Tensor | None = getattr(prediction, feature)
    if blocks is None:
        raise ValueError(
            f"The distiller compares {feature} features, and a net was built without them. Choose"
            " another net.fusion, or another distiller.feature."
        )
    return blocks


def standardised(x: Tensor) -> Tensor:
    """Returns a batch's values less their mean, over their standard deviation."""
    return (x - x.mean()) / x.std(correction=0).clamp(min=1e-8)


def log_bins(mean: Tensor, std: Tensor, centres: Tensor) -> Tensor:
    """Returns a normal distribution's logarithms over bins, normalised, :math:`(B, K)`.

    Example:
        >>> import torch
        >>> centres = torch.linspace(0, 1, 21)
        >>> p = log_bins(torch.tensor([0.3]), torch.tensor([0.05]), centres).exp()
        >>> round(float(p.sum()), 4), round(float(p @ centres), 4)
        (1.0, 0.3)
    """
    distance = (mean.unsqueeze(-1) - centres) / std.unsqueeze(-1)
    return (-distance.square() / 2).log_softmax(-1)
