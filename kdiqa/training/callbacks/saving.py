"""How checkpoints reach the disk: atomically."""

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from kdiqa.files.atomic import write


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint next to its path and then moves it there.

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
