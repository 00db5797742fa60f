"""The memory of a training step: features, labels and images of earlier crops."""

from typing import Any, NamedTuple

import torch
from torch import Tensor


class Entries(NamedTuple):
    """Crops in the memory, one a row, the oldest first; nothing here has a gradient."""

    semantic: Tensor
    r"""Its semantic vector, float32, :math:`(M, S)`."""
    tokens: Tensor
    r"""Its gated patch tokens, float16, :math:`(M, T, D)`."""
    score: Tensor
    r"""Its label, in [0, 1] whatever scale is learnt, :math:`(M,)`."""
    image: Tensor
    r"""The image it was cut from, int64, :math:`(M,)`."""
    weight: Tensor
    r"""Its weight in the draw, :math:`(M,)`."""


class Memory:
    """The newest entries, first in, first out; one on each rank, of what that rank has seen.

    No buffer of a module: DDP would give every rank the first one's at each step, and an average
    of weights would average image numbers. The module saves it in its checkpoints instead.

    Args:
        size: Entries at most; 0 for the batch itself. 1 024 of
            ViT-S/16 at 224² take 154 MB, on each rank and of each rank in a checkpoint.
    """

    def __init__(self, size: int = 1024) -> None:
        if size < 0:
            raise ValueError(
                f"A memory of {size} entries cannot be kept. Set memory.size to 0 or more."
            )
        self.size = size
        self.held: Entries | None = None

    def push(self, fresh: Entries) -> Entries:
        """Takes a batch in, and returns all there is to be matched with, the batch included."""
        fresh = Entries(*(column.detach() for column in fresh))
        if self.size == 0:
            return fresh
        old = self.held or Entries(*(column[:0] for column in fresh))
        with torch.autocast(fresh.tokens.device.type, enabled=False):  # it joins no float16
            both = [torch.cat([a.to(b.device), b]) for a, b in zip(old, fresh, strict=True)]
        self.held = Entries(*(column[-self.size :].clone() for column in both))
        return self.held

    def state(self) -> dict[str, Tensor]:
        """Returns the entries by name; none before the first batch."""
        return {} if self.held is None else self.held._asdict()

    def restore(self, state: dict[str, Any]) -> None:
        """Takes back what :meth:`state` gave."""
        self.held = Entries(**state) if state else None
