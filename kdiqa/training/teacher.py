"""The full-reference teacher's training."""

from torch import Tensor

from kdiqa.batch import Batch
from kdiqa.training.module import IQAModule


class TeacherModule(IQAModule):
    """Learns labels of distorted images from their difference to a reference."""

    role = "teacher"

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Returns the score loss."""
        terms = {"score": self.loss(self(batch).score, batch["mos"])}
        return self.log_terms(terms, {}, len(batch["mos"]))
