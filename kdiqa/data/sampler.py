"""The order of reading: shuffled by (seed, epoch) and shared out over the ranks."""

from collections.abc import Iterator

import numpy as np
import torch.distributed as dist
from torch.utils.data import Sampler


class EpochSampler(Sampler[int]):
    """Yields ``epoch * size + index``, each rank its own share of the indices.

    The epoch travels in the key because workers live longer than an epoch and hold their own copy of
    the data set: whatever a sample draws follows from (seed, epoch, index) alone. Every rank gets
    the same number of keys; where they do not come out even, the first ones are read twice.

    Train with ``use_distributed_sampler=False``: the sharing out is done here.

    Args:
        size: The number of records.
        shuffle: Draws a new order in every epoch; otherwise 0, 1, 2, …
        seed: Of the orders.

    Example:
        >>> sampler = EpochSampler(3, shuffle=False)
        >>> sampler.set_epoch(2)
        >>> list(sampler)
        [6, 7, 8]
    """

    def __init__(self, size: int, shuffle: bool, seed: int = 0) -> None:
        self.size, self.shuffle, self.seed, self.epoch = size, shuffle, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the keys to come; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.size // _ranks()[1])

    def __iter__(self) -> Iterator[int]:
        order = np.arange(self.size)
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(self.size)
        rank, world = _ranks()
        even = np.resize(order, len(self) * world)  # repeats from the start
        return iter((self.epoch * self.size + even[rank::world]).tolist())


def _ranks() -> tuple[int, int]:
    """Returns this process's rank and the number of processes."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1
