"""Weights averaged over steps or epochs, and tested as they are validated."""

from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class Average(WeightAveraging):
    """Validates, tests and saves an average of the weights.

    Lightning's own takes the average in for a validation and not for a test: what it tests from a
    checkpoint are the weights of the step, and a scorer of that checkpoint predicts otherwise.
    """

    on_test_epoch_start = WeightAveraging.on_validation_epoch_start
    on_test_epoch_end = WeightAveraging.on_validation_epoch_end


class LastEpochs(Average):
    """Validates, tests and saves the mean of the weights at the ends of all epochs from one on.

    Before that epoch, ``begin`` counted from 0, what is validated are the weights as they are.
    """

    def __init__(self, begin: int) -> None:
        super().__init__(multi_avg_fn=self.take)
        self.begin, self.ends = begin, False

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, *rest: Any
    ) -> None:
        """Averages behind an epoch's last step, before its validation."""
        self.ends = trainer.is_last_batch
        super().on_train_batch_end(trainer, pl_module, *rest)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Returns whether this step ended an epoch."""
        return step_idx is not None and self.ends

    def take(self, mean: Sequence[Tensor], now: Sequence[Tensor], taken: Tensor | int) -> None:
        """Takes one epoch's weights into the mean; ``taken`` counts the epochs before it."""
        share = 1 / max(1, int(taken) - self.begin + 1)
        for old, new in zip(mean, now, strict=True):
            if torch.is_floating_point(old):
                old.lerp_(new, share)
            else:
                old.copy_(new)
