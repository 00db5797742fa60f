"""The no-reference student's training, with a teacher or without."""

from typing import Any

import torch
from torch import Tensor, nn

from kdiqa.batch import Batch, Prediction
from kdiqa.training.module import IQAModule

Terms = tuple[dict[str, Tensor], dict[str, Tensor]]


class StudentModule(IQAModule):
    """Learns quality from labels and, given a distiller, from a teacher.

    Without a distiller the same lines train the supervised baseline. What the distiller trains is
    the student's: it is in the optimizer and in the checkpoint, and the teacher is in neither.

    Args:
        distiller: Compares predictions; its terms are weighted by the distillation callback.
        options: As for :class:`IQAModule`.
    """

    distill_weight: Tensor
    distiller: Any

    def __init__(self, *, distiller: nn.Module | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.distiller = distiller
        self.register_buffer("distill_weight", torch.ones(()), persistent=False)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Returns the loss, and the scores, to be compared with the teacher's."""
        student = self(batch)
        terms = {"score": self.loss(student.score, batch["mos"])}
        watched: dict[str, Tensor] = {}
        if self.distiller is not None:
            distilled, watched = self.distilled(student, teacher_of(batch), batch["mos"])
            terms |= distilled
        total = self.log_terms(terms, watched, len(batch["mos"]))
        return {"loss": total, "score": student.score.detach()}

    def distilled(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Terms:
        """Returns the distiller's terms, weighted, and what to log of them."""
        distilled = self.distiller(student, teacher, mos)
        # Never skipped at weight 0: under DDP every parameter must get its gradient.
        terms = {name: self.distill_weight * term for name, term in distilled.terms.items()}
        return terms, distilled.watched | {"weight_distill": self.distill_weight}

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Lets the distiller move on after the epoch's last batch.

        Not at the epoch's end: there the first rank's progress bar reduces metrics while the others
        go on, and a distiller that talks to all ranks would wait for ever.
        """
        if self.distiller is not None and self.trainer.is_last_batch:
            self.distiller.end_epoch()

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Returns the groups, one more for the level weights: they must not decay to zero."""
        groups = super().parameter_groups()
        weights = {
            id(p)
            for name, p in self.named_parameters()
            if name.startswith("distiller.") and "weighting" in name and p.requires_grad
        }
        if weights:
            head = groups[0]["params"]
            groups[0]["params"] = [p for p in head if id(p) not in weights]
            own = [p for p in head if id(p) in weights]
            groups.append({"name": "level_weights", "params": own, "weight_decay": 0.0})
        return groups


def teacher_of(batch: Batch) -> Prediction:
    """Returns the teacher's prediction, or says why the batch has none."""
    if "teacher" not in batch:
        raise RuntimeError(
            "The student has a distiller, but the batch holds no teacher prediction. Add the"
            " Distillation callback (distiller=levels), or train without a teacher (distiller=none)."
        )
    return batch["teacher"]
