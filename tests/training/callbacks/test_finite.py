"""A loss that is no number stops the run before anything of it is saved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from kdiqa.training.callbacks.finite import FiniteLoss, message
from kdiqa.training.student import StudentModule
from tests.runs import STUDENT, train

TINY = (
    *STUDENT,
    *("backbone=log_filters", "module.net.backbone.name=log_filters", "distill=false"),
)


def broken(monkeypatch: pytest.MonkeyPatch, at: int) -> list[list[int]]:
    """Lets the loss of one step of all be no number; returns the images of all steps."""
    seen: list[list[int]] = []
    plain = StudentModule.training_step

    def step(self: StudentModule, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        made = plain(self, batch, batch_idx)
        seen.append(batch["index"].tolist())
        factor = float("nan") if len(seen) == at + 1 else 1.0
        return made | {"loss": made["loss"] * factor}

    monkeypatch.setattr(StudentModule, "training_step", step)
    return seen


def test_the_step_and_its_images_are_named_and_the_epoch_before_is_kept(
    tmp_path: Path, fake_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = broken(monkeypatch, at=4)  # of three steps an epoch
    root = fake_data / "tid2013"
    with pytest.raises(ValueError, match=r"^The loss is nan") as caught:
        train(*TINY, f"data.root={root}", folder=tmp_path / "run")
    text = str(caught.value)
    names = re.findall(r"'(\S+\.bmp)'", text, re.IGNORECASE)
    assert len(names) == len(seen[4]) == 8
    assert text == (
        f"The loss is nan in epoch 1, step 1 of the epoch, on the images"
        f" {', '.join(repr(name) for name in names)}.\nLook at them and their labels, lower the"
        " learning rate (module.optimizer.lr) or limit the gradients"
        " (trainer.gradient_clip_val=1). Checkpoints are of the epochs before."
    )
    held = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert held["epoch"] == 0
    assert all(value.isfinite().all() for value in held["state_dict"].values())


class Trainer:
    """As much of a trainer as the callback asks."""

    current_epoch = 3

    class datamodule:
        class Record:
            name = "photo ü.jpg"

        records = (Record,) * 30


def test_within_a_long_epoch_it_checks_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = FiniteLoss(every=2)
    losses = [1.0, 2.0, float("inf"), 3.0]
    callback.on_train_epoch_start(Trainer, None)
    for step, loss in enumerate(losses[:3]):
        made = {"loss": torch.tensor(loss)}
        callback.on_train_batch_end(Trainer, None, made, {"index": torch.arange(2)}, step)
    with pytest.raises(ValueError, match=r"^The loss is inf in epoch 3, step 2 of the epoch, on "):
        callback.on_train_batch_end(
            Trainer, None, {"loss": torch.tensor(3.0)}, {"index": torch.arange(2)}, 3
        )


def test_of_a_large_batch_twenty_images_are_named() -> None:
    text = message(Trainer, 7, float("nan"), list(range(25)))
    names = ", ".join(["'photo ü.jpg'"] * 20)
    assert text.startswith(
        f"The loss is nan in epoch 3, step 7 of the epoch, on the images {names} and 5 more.\nLook"
    )
