"""The mean of the last epochs' weights."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader

from kdiqa.training.callbacks.averaging import Average, LastEpochs


class Line(L.LightningModule):
    """Learns something else in every step, and remembers its weights at the ends of epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.ends: list[Tensor] = []
        self.validated: list[Tensor] = []
        self.tested = torch.zeros(1, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return (self.layer(batch) - 3).square().mean()

    def on_train_epoch_end(self) -> None:
        self.ends.append(self.layer.weight.detach().clone())

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        if batch_idx == 0:
            self.validated.append(self.layer.weight.detach().clone())

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        self.tested = self.layer.weight.detach().clone()

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


@pytest.mark.parametrize("average", [Average(), LastEpochs(begin=0)], ids=["steps", "epochs"])
def test_a_checkpoint_is_tested_by_the_average_that_it_holds(
    average: Average, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    module, data = Line(), DataLoader(torch.rand(8, 1), 2)
    kept = ModelCheckpoint(tmp_path, "a", save_on_train_epoch_end=True)
    trainer = L.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=[average, kept],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, data)
    trainer.test(module, data, kept.best_model_path, verbose=False, weights_only=True)
    held = torch.load(kept.best_model_path, weights_only=True)
    assert torch.equal(module.tested, held["state_dict"]["layer.weight"])
    assert not torch.equal(module.tested, held["current_model_state"]["layer.weight"])
