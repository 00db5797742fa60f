"""The step of soft targets: labels and a teacher's scores in one loss."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from kdiqa.batch import Batch
from kdiqa.systems.sskd.losses import counted, rank_loss
from kdiqa.training.module import IQAModule


class SoftTargetModule(IQAModule):
    r"""Learns soft targets and labels jointly.

    .. math:: (1 - \alpha) \, \mathcal{L}_{hard} + \alpha \, \mathcal{L}_{soft} + w \, \mathcal{L}_{rank}

    With α = 1 it is the self-supervised stage: images without a label count as others do.
    Without soft targets the same lines train the supervised baseline.

    Args:
        soft: The loss on soft targets; None for none.
        alpha: α at a share of the run, from 0 to 1.
        margin: Of the teacher-bounded hard loss, in label units; None uses every label.
        rank: The weight w of the teacher's order within the batch.
        hint: Compares the student's features with a live teacher's; weighted by the callback.
        options: As for :class:`kdiqa.training.module.IQAModule`.

    References:
        | Sang et al., JVCIR 2023 (abstract; α, margin, rank and hint are our interpretation)
    """

    distils_by = ("distiller", "soft", "hint")
    soft_labels = "soft"
    accepts_unlabelled = True  # an image without a label has no hard loss
    distill_weight: Tensor
    soft: Any
    hint: Any

    def __init__(
        self,
        *,
        soft: nn.Module | None = None,
        alpha: Callable[[float], float] = lambda share: 0.5,
        margin: float | None = None,
        rank: float = 0.0,
        hint: nn.Module | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.soft, self.alpha, self.margin, self.rank = soft, alpha, margin, rank
        self.hint = hint
        if soft is not None:
            self.soft.check(self.net.head)
        self.register_buffer("distill_weight", torch.ones(()), persistent=False)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Returns the loss, and the scores, to be compared with the teacher's."""
        student = self(batch)
        score, mos = student.score.float(), batch["mos"].float()
        if self.soft is None:
            terms, watched = {"hard": self.hard(score, mos, ~mos.isnan())}, {}
        else:
            mean, std = target_of(batch)
            alpha = self.alpha(self.share())
            counting = counted(score, mos, mean, self.margin)
            terms = {
                "hard": (1 - alpha) * self.hard(score, mos, counting),
                "soft": alpha * self.soft(student, mean, std, self.net.head),
                "rank": self.rank * rank_loss(score, mean),
            }
            watched = {"alpha": torch.tensor(alpha), "share_taught": counting.float().mean()}
            if self.hint is not None:
                distilled = self.hint(student, batch["teacher"], mos)
                terms |= {
                    name: self.distill_weight * term for name, term in distilled.terms.items()
                }
        total = self.log_terms(terms, watched, len(mos))
        return {"loss": total, "score": score.detach()}

    def hard(self, score: Tensor, mos: Tensor, counting: Tensor) -> Tensor:
        """Returns the loss on labels; an image that does not count has no error."""
        return self.loss(torch.where(counting, score, 0.0), torch.where(counting, mos, 0.0))

    def share(self) -> float:
        """Returns how far the run is, from 0 to 1."""
        return self.global_step / max(1, self.trainer.estimated_stepping_batches)


def target_of(batch: Batch) -> tuple[Tensor, Tensor]:
    """Returns the soft targets of a batch and their deviations, in label units.

    A live teacher's scores of these very crops stand in where there are no cached targets.

    Raises:
        RuntimeError: If the batch has neither.
    """
    if "soft" in batch:
        mean, std = batch["soft"].unbind(-1)
        return mean, std
    if "teacher" in batch:
        score = batch["teacher"].score.float()
        return score, torch.zeros_like(score)
    raise RuntimeError(
        "The student learns soft targets, and the batch holds none. Add the SoftTargets callback"
        " (distiller=soft_score), or train without a teacher (distiller=none)."
    )
