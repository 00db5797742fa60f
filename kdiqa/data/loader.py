"""What all loaders of batches share."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from kdiqa.runtime.devices import one_thread

Loader = DataLoader[dict[str, Tensor]]


def loader(
    dataset: Dataset[Any], sampler: Sampler[int], num_workers: int, ahead: int, **options: Any
) -> Loader:
    """Returns batches that each worker reads so many ahead, in pinned memory where there is a GPU.

    Lightning moves them there with ``non_blocking=True``: the copy of a pinned batch needs neither
    the processor nor the end of the step before. Without workers, the main process reads.
    """
    return DataLoader(
        dataset,
        sampler=sampler,
        num_workers=num_workers,
        prefetch_factor=ahead if num_workers else None,
        pin_memory=torch.cuda.is_available(),
        # Every pass over a loader draws a seed for its workers: from torch's own state, dropout would
        # depend on whether that comes before an epoch's seeding, as in a resumed run, or after it.
        generator=torch.Generator(),
        worker_init_fn=one_thread,
        **options,
    )
