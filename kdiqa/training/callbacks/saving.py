"""How checkpoints reach the disk: whole, or not at all."""

import io
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins import TorchCheckpointIO

from kdiqa.files.atomic import write


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place and then moves it there.

    Lightning's own writes it to the system's temporary folder first. Where that is another disk,
    the file is copied over the earlier checkpoint, and whoever dies meanwhile leaves neither.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Saves a checkpoint.

        Raises:
            NoSpaceError: If the disk is full; the earlier checkpoint is then as it was.
        """
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write(Path(path), buffer.getvalue())


class Listening(L.Callback):
    """Lets a run stop at once when it is told to: takes SIGTERM back from Lightning.

    Args:
        listen: Takes the signals.
    """

    def __init__(self, listen: Any) -> None:
        self.listen = listen

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Takes them for the training."""
        self.listen()

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Takes them for the validation."""
        self.listen()

    def on_test_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Takes them for the test."""
        self.listen()
