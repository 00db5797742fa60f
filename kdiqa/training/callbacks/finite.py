"""A loss that is no finite number stops the run, and names the step and its images."""

from typing import Any

import lightning as L
import torch
import torch.distributed as dist
from torch import Tensor

EVERY = 100  # steps between two checks: one wait for the GPU in so many
SHOWN = 20  # images that are named


class FiniteLoss(L.Callback):
    """Checks all losses of some steps together: no step waits for its own.

    It checks before validation, and so before a checkpoint is written: the last one is of an epoch
    whose losses were numbers.

    Args:
        every: Steps between two checks within an epoch.
    """

    def __init__(self, every: int = EVERY) -> None:
        self.every = every
        self.losses: list[Tensor] = []
        self.images: list[Tensor] = []

    def on_train_epoch_start(self, trainer: L.Trainer, module: Any) -> None:
        """Forgets what an interrupted epoch left."""
        self.losses, self.images = [], []

    def on_train_batch_end(
        self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Leaves the loss on its device, and checks now and then."""
        self.losses.append(outputs["loss"].detach())
        self.images.append(batch["index"])
        if len(self.losses) == self.every:
            self.check(trainer, batch_idx + 1)

    def on_validation_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Checks before the epoch's validation, or at its end where it had none."""
        self.check(trainer, trainer.fit_loop.epoch_loop.batch_idx + 1)

    on_train_epoch_end = on_validation_start

    def check(self, trainer: Any, steps: int) -> None:
        """Raises, on every rank, if one of the losses since the last check is no finite number."""
        if not self.losses:
            return
        first = steps - len(self.losses)
        losses = torch.stack(self.losses).float().cpu()
        positions = (~losses.isfinite()).nonzero().flatten().tolist()
        mine = [(first + i, float(losses[i]), self.images[i].tolist()) for i in positions[:1]]
        self.losses, self.images = [], []
        for step, loss, images in sorted(from_all_ranks(mine))[:1]:
            raise ValueError(message(trainer, step, loss, images))


def from_all_ranks(mine: list[Any]) -> list[Any]:
    """Returns the findings of all ranks."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return mine
    parts: list[list[Any]] = [[]] * dist.get_world_size()
    dist.all_gather_object(parts, mine)
    return [one for part in parts for one in part]


def message(trainer: Any, step: int, loss: float, images: list[int]) -> str:
    """Returns the message of a loss that is no finite number."""
    records = trainer.datamodule.records
    names = [f"'{records[image].name}'" for image in images[:SHOWN]]
    more = f" and {len(images) - SHOWN} more" if len(images) > SHOWN else ""
    return (
        f"The loss is {loss} in epoch {trainer.current_epoch}, step {step} of the epoch, on the"
        f" images {', '.join(names)}{more}.\nLook at them and their labels, lower the learning"
        " rate (module.optimizer.lr) or limit the gradients (trainer.gradient_clip_val=1)."
        " Checkpoints are of the epochs before."
    )
