"""Distillers of what a net says last: its fused vector, its score; and several distillers as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.batch import Distilled, Prediction
from kdiqa.systems.akd.adaptive import standardised


class FusedDistiller(nn.Module):
    """The mean squared difference of the vectors the two heads score."""

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns the term ``fused``."""
        if student.fused.shape != teacher.fused.shape:
            raise ValueError(
                f"The student fuses to {tuple(student.fused.shape)} and the teacher to"
                f" {tuple(teacher.fused.shape)}. Give both the same net.fusion and net.crop_fusion."
            )
        return Distilled({"fused": F.mse_loss(student.fused.float(), teacher.fused.float())}, {})

    def end_epoch(self) -> None:
        """Remembers nothing."""


class ScoreDistiller(nn.Module):
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
        trusted = (spread_of(teacher) < self.max_spread).float()
        each = F.smooth_l1_loss(s, t, beta=self.beta, reduction="none")
        mean = (trusted * each).sum() / trusted.sum().clamp(min=1)
        return Distilled({"soft_score": mean}, {"trusted": trusted.mean()})

    def end_epoch(self) -> None:
        """Remembers nothing."""


def spread_of(teacher: Prediction) -> Tensor:
    """Returns how far apart a teacher's scores of an image lie, or says why that is not known."""
    if teacher.spread is None:
        raise ValueError(
            "The distiller trusts a teacher by how far its scores of an image's crops lie apart"
            " (distiller.max_spread), and this one gives none. Set num_crops to 2 or more with a"
            " teacher that scores crop by crop, or max_spread=null."
        )
    return teacher.spread.float().detach()


class CombinedDistiller(nn.Module):
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
            made = distiller(student, teacher, mos)
            terms |= {key: self.factors.get(name, 1.0) * term for key, term in made.terms.items()}
            watched |= made.watched
        return Distilled(terms, watched)

    def end_epoch(self) -> None:
        """Passes it on."""
        distiller: Any
        for distiller in self.distillers.values():
            distiller.end_epoch()
