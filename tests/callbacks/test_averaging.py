"""The mean of the last epochs' weights."""

from __future__ import annotations

import lightning as L
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from kdiqa.callbacks.averaging import LastEpochs


class Line(L.LightningModule):
    """Learns something else in every step, and remembers its weights at the ends of epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.ends: list[Tensor] = []
        self.validated: list[Tensor] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return (self.layer(batch) - 3).square().mean()

    def on_train_epoch_end(self) -> None:
        self.ends.append(self.layer.weight.detach().clone())

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        if batch_idx == 0:
            self.validated.append(self.layer.weight.detach().clone())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.05)


def test_validation_sees_the_mean_of_the_epochs_since_the_first_that_counts() -> None:
    torch.manual_seed(0)
    module, data = Line(), DataLoader(torch.rand(8, 1), 2)
    trainer = L.Trainer(
        max_epochs=5,
        accelerator="cpu",
        callbacks=[LastEpochs(begin=2)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, data, DataLoader(torch.rand(2, 1), 1))
    ends = torch.stack(module.ends)
    means = [ends[0], ends[1], *(ends[2 : epoch + 1].mean(0) for epoch in (2, 3, 4))]
    torch.testing.assert_close(torch.stack(module.validated), torch.stack(means))
    torch.testing.assert_close(module.layer.weight.detach(), means[-1])
