"""Many images through one predictor: read by workers, scored in batches, in the order given."""

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from kdiqa.data.images.read import read_rgb
from kdiqa.runtime.devices import one_thread_without_interrupts
from kdiqa.scorer.predictor import Predictor
from kdiqa.scorer.rows import Row

AHEAD = 2  # batches that wait for the net, so that neither waits for the other


class Read(NamedTuple):
    """What came of reading a file: crops to be scored, their score, or why there is none."""

    crops: dict[str, Tensor] | None
    score: float | None
    error: str


class Images(Dataset[Read]):
    """Files as crops or as scores; one that cannot be read is a sample too, not an end."""

    def __init__(self, paths: Sequence[str], predictor: Predictor, score_in_worker: bool) -> None:
        self.paths, self.predictor, self.score_in_worker = paths, predictor, score_in_worker

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Read:
        path = Path(self.paths[index])
        try:
            crops = self.predictor.views(read_rgb(path), path.name)
        except Exception as error:  # one image of an archive must not end the others' scoring
            return Read(None, None, " ".join(f"{type(error).__name__}: {error}".split()))
        if not self.score_in_worker:
            return Read(crops, None, "")
        batch = {name: crop[None] for name, crop in crops.items()}
        return Read(None, float(self.predictor.predict(batch)), "")


def scored(
    predictor: Predictor, paths: Sequence[str], batch_size: int = 16, workers: int = 0
) -> Iterator[list[Row]]:
    """Yields the rows of ``batch_size`` paths after another, in the order of the paths.

    On a GPU a batch is scored together as far as its crops have one shape, and workers read. On
    a CPU each worker scores what it reads, in one thread: processes that share nothing use the
    cores better than threads that wait for each other after every layer. Memory holds a few
    batches of crops, and with each worker one complete image. Without workers all is done here.
    """
    score_in_worker = workers > 0 and predictor.device.type == "cpu"
    ahead = max(1, AHEAD * batch_size // workers) if workers else None
    read = iter(
        DataLoader(
            Images(paths, predictor, score_in_worker),
            batch_size=None,  # a slow image holds up no other
            num_workers=workers,
            prefetch_factor=ahead,
            pin_memory=predictor.device.type == "cuda",
            worker_init_fn=_quiet_and_single,
        )
    )
    for start in range(0, len(paths), batch_size):
        batch = list(islice(read, batch_size))
        yield rows(predictor, paths[start : start + batch_size], batch)


def rows(predictor: Predictor, paths: Sequence[str], batch: Sequence[Read]) -> list[Row]:
    """Returns the rows of a batch, in its order."""
    scores = [read.score for read in batch]
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for index, read in enumerate(batch):
        if read.crops is not None:
            by_shape.setdefault(tuple(read.crops["image"].shape), []).append(index)
    for indices in by_shape.values():
        stacked = default_collate([batch[index].crops for index in indices])
        for index, score in zip(indices, predictor.predict(stacked).tolist(), strict=True):
            scores[index] = score
    units = [None if score is None else predictor.label.authors(score) for score in scores]
    return [
        Row(path, score, unit, read.error, predictor.digest)
        for path, score, unit, read in zip(paths, scores, units, batch, strict=True)
    ]


def _quiet_and_single(worker: int) -> None:
    """Leaves Ctrl-C to the main process, and the other cores to the other workers."""
    one_thread_without_interrupts()
    # The thread that hands tensors over would print that the main process has gone.
    sys.excepthook = lambda *error: None
