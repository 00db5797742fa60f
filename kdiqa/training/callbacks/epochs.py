"""What happens around every epoch: fresh seeds, and how fast it went."""

import time
from typing import Any

import lightning as L
import torch


class EpochSeed(L.Callback):
    """Seeds torch anew at every epoch from (seed, epoch), so that a resumed run draws the same.

    Lightning's checkpoints hold no random state; dropout would differ after a resume. It is done
    before the epoch's first batch, not at the epoch's start: a data loader's iterator draws from
    torch's generator too, before that start in a resumed run's first epoch and after it in others.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: L.Trainer, module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Seeds this epoch, each rank differently."""
        if batch_idx == 0:
            state = (self.seed * 1_000_003 + trainer.current_epoch) * 1_009 + trainer.global_rank
            torch.manual_seed(state % 2**63)


class Throughput(L.Callback):
    """Logs images a second of an epoch's training, and the share of it spent waiting for data.

    Validation, which Lightning runs before an epoch's end, is no part of either.
    """

    def __init__(self) -> None:
        self.begun = self.idle_since = self.waited = 0.0
        self.images = 0

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Starts the clock."""
        self.begun = self.idle_since = time.perf_counter()
        self.waited, self.images = 0.0, 0

    def on_train_batch_start(
        self, trainer: L.Trainer, module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Counts the time since the last batch as waiting."""
        self.waited += time.perf_counter() - self.idle_since

    def on_train_batch_end(
        self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Counts the batch's images."""
        self.images += len(batch["index"])
        self.idle_since = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Logs both, the rate summed over ranks."""
        seconds = self.idle_since - self.begun
        rate = self.images / seconds * trainer.world_size
        module.log_dict({"perf/img_per_s": rate, "perf/data_wait": self.waited / seconds})
