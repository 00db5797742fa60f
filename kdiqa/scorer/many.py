"""Many pictures through one scorer: read by workers, scored in batches, in the order given."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from kdiqa.data.images.read import read_rgb
from kdiqa.runtime.devices import one_thread_without_interrupts
from kdiqa.scorer.rows import Row
from kdiqa.scorer.scorer import Scorer

AHEAD = 2  # batches that wait for the net, so that neither waits for the other


class Seen(NamedTuple):
    """What became of a file: crops to be scored, their score, or the reason why there is none."""

    crops: dict[str, Tensor] | None
    score: float | None
    error: str


class Pictures(Dataset[Seen]):
    """Files as crops or as scores; one that cannot be read is an answer too, not an end.

    Args:
        paths: Of the files.
        scorer: Cuts them.
        whole: Whether to score them too.
    """

    def __init__(self, paths: Sequence[str], scorer: Scorer, whole: bool) -> None:
        self.paths, self.scorer, self.whole = paths, scorer, whole

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Seen:
        path = Path(self.paths[index])
        try:
            crops = self.scorer.views(read_rgb(path), path.name)
        except Exception as error:  # one picture of an archive must not end the others' scoring
            return Seen(None, None, " ".join(f"{type(error).__name__}: {error}".split()))
        if not self.whole:
            return Seen(crops, None, "")
        one = {name: crop[None] for name, crop in crops.items()}
        return Seen(None, float(self.scorer.predict(one)), "")


def scored(
    scorer: Scorer, paths: Sequence[str], batch_size: int = 16, workers: int = 0
) -> Iterator[list[Row]]:
    """Yields the rows of ``batch_size`` paths after another, in the order of the paths.

    On a GPU a batch is scored together as far as its crops have one shape, and workers read. On
    a CPU each worker scores what it reads, in one thread: processes that share nothing use the
    cores better than threads that wait for each other after every layer. Memory holds a few
    batches of crops, and with each worker one whole picture.

    Args:
        scorer: Says the scores.
        paths: Of the files.
        batch_size: Pictures of a batch.
        workers: Processes beside this one; 0 does all here.
    """
    whole = workers > 0 and scorer.device.type == "cpu"
    ahead = max(1, AHEAD * batch_size // workers) if workers else None
    seen = iter(
        DataLoader(
            Pictures(paths, scorer, whole),
            batch_size=None,  # a slow picture holds up no other
            num_workers=workers,
            prefetch_factor=ahead,
            pin_memory=scorer.device.type == "cuda",
            worker_init_fn=_quiet_and_single,
        )
    )
    for start in range(0, len(paths), batch_size):
        batch = list(islice(seen, batch_size))
        yield rows(scorer, paths[start : start + batch_size], batch)


def rows(scorer: Scorer, paths: Sequence[str], batch: Sequence[Seen]) -> list[Row]:
    """Returns the rows of a batch, in its order."""
    scores = [seen.score for seen in batch]
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place, seen in enumerate(batch):
        if seen.crops is not None:
            shapes.setdefault(tuple(seen.crops["image"].shape), []).append(place)
    for places in shapes.values():
        crops = [seen.crops for seen in (batch[place] for place in places) if seen.crops]
        stacked = {name: torch.stack([one[name] for one in crops]) for name in crops[0]}
        for place, score in zip(places, scorer.predict(stacked).tolist(), strict=True):
            scores[place] = score
    return [
        Row(
            path,
            score,
            None if score is None else scorer.label.authors(score),
            seen.error,
            scorer.digest,
        )
        for path, seen, score in zip(paths, batch, scores, strict=True)
    ]


def _quiet_and_single(worker: int) -> None:
    """Leaves Ctrl-C to the main process, and the other cores to the other workers."""
    one_thread_without_interrupts()
    # The thread that hands tensors over would print that the main process has gone.
    sys.excepthook = lambda *error: None
