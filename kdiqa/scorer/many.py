"""Many images through one predictor: read by workers, scored in batches, in the order given."""

import math
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, default_collate

from kdiqa.data.images.pillow import MAX_PIXELS
from kdiqa.data.images.read import read_rgb
from kdiqa.runtime.deaths import died, in_a_process, polled_deaths
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

    def __init__(
        self,
        paths: Sequence[str],
        predictor: Predictor,
        score_in_worker: bool,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.paths, self.predictor, self.score_in_worker = paths, predictor, score_in_worker
        self.max_pixels = max_pixels

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Read:
        path = Path(self.paths[index])
        try:
            crops = self.predictor.views(read_rgb(path, self.max_pixels), path)
        except Exception as error:  # one image of an archive must not end the others' scoring
            return Read(None, None, " ".join(f"{type(error).__name__}: {error}".split()))
        if not self.score_in_worker:
            return Read(crops, None, "")
        batch = {name: crop[None] for name, crop in crops.items()}
        return Read(None, float(self.predictor.predict(batch)), "")


def scored(
    predictor: Predictor,
    paths: Sequence[str],
    batch_size: int = 16,
    workers: int = 0,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[list[Row]]:
    """Yields the rows of ``batch_size`` paths after another, in the order of the paths.

    On a GPU a batch is scored together as far as its crops have one shape, and workers read. On
    a CPU each worker scores what it reads, in one thread: processes that share nothing use the
    cores better than threads that wait for each other after every layer. Memory holds a few
    batches of crops, and with each worker one complete image. Without workers all is done here. A
    worker that dies costs its image an error and no other one anything.
    """
    score_in_worker = workers > 0 and predictor.device.type == "cpu"
    ahead = max(1, AHEAD * batch_size // workers) if workers else None
    read = reads(Images(paths, predictor, score_in_worker, max_pixels), workers, ahead)
    for start in range(0, len(paths), batch_size):
        batch = list(islice(read, batch_size))
        yield rows(predictor, paths[start : start + batch_size], batch)


def reads(images: Images, workers: int, ahead: int | None) -> Iterator[Read]:
    """Yields what came of each image, in their order.

    Args:
        images: Reads them.
        workers: Processes besides this one.
        ahead: Images that each of them has ready.
    """
    done, count = 0, len(images)
    with polled_deaths() as begun:
        while done < count:
            loader = DataLoader(
                Subset(images, range(done, count)),
                batch_size=None,  # a slow image holds up no other
                num_workers=workers,
                prefetch_factor=ahead,
                pin_memory=images.predictor.device.type == "cuda",
                worker_init_fn=_quiet_and_single,
            )
            try:
                for item in begun(loader):
                    yield item
                    done += 1
            except RuntimeError as error:
                if not died(error):
                    raise
            # It was one of those that were being read: each in a process of its own, they tell.
            for index in range(done, min(count, done + workers * (ahead or 1))):
                yield read_alone(images, index)
                done += 1


def read_alone(images: Images, index: int) -> Read:
    """Returns what came of one image in a process of its own, whose death is an error."""
    result, end = in_a_process(lambda: _in_arrays(images, index))
    if result is None:
        return Read(None, None, f"The process that read it {end}: perhaps it wants more memory.")
    crops, score, error = result
    return Read(crops and {k: torch.from_numpy(crop) for k, crop in crops.items()}, score, error)


def _in_arrays(images: Images, index: int) -> tuple[dict[str, Any] | None, float | None, str]:
    """Returns a read image in arrays: a tensor would be shared with the process that made it."""
    _quiet_and_single(0)
    crops, score, error = images[index]
    return crops and {name: crop.numpy() for name, crop in crops.items()}, score, error


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
    return [
        row_of(predictor, path, score, read.error)
        for path, score, read in zip(paths, scores, batch, strict=True)
    ]


def row_of(predictor: Predictor, path: str, score: float | None, error: str) -> Row:
    """Returns an image's row; a score that is no number is an error."""
    if score is None or not math.isfinite(score):
        return Row(path, None, None, error or f"The score is no number: {score}", predictor.digest)
    return Row(path, score, predictor.label.authors(score), error, predictor.digest)


def _quiet_and_single(worker: int) -> None:
    """Leaves Ctrl-C to the main process, and the other cores to the other workers."""
    one_thread_without_interrupts()
    # The thread that hands tensors over would print that the main process has gone.
    sys.excepthook = lambda *error: None
