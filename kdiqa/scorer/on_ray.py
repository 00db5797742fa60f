"""The same scores as a job of Ray Data: on this machine, or on the cluster that RAY_ADDRESS names."""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext

from kdiqa.data.images.pillow import MAX_PIXELS
from kdiqa.runtime.devices import one_thread
from kdiqa.scorer.many import Images, rows
from kdiqa.scorer.predictor import Predictor
from kdiqa.scorer.rows import Row

BLOCK = 64  # batches at most that an actor hands over at once; as many are scored again if it dies
STORE = 2**28  # bytes of shared memory on one machine: rows are small, and images do not travel


class Actor:
    """Scores batches of files in a process of its own."""

    def __init__(self, predictor: Predictor, max_pixels: int) -> None:
        self.predictor, self.max_pixels = predictor, max_pixels
        one_thread()  # as each worker of the plain command

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Returns the rows of a batch of paths, in bytes, as text, to the last bit."""
        paths = [os.fsdecode(path) for path in batch["paths"]]
        on_cpu = self.predictor.device.type == "cpu"
        images = Images(paths, self.predictor, on_cpu, self.max_pixels)
        scored = rows(self.predictor, paths, [images[index] for index in range(len(paths))])
        return {"rows": json.dumps([row[1:] for row in scored])}  # a path may be no text


def scored(
    predictor: Predictor,
    paths: Sequence[str],
    batch_size: int = 16,
    workers: int = 1,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[list[Row]]:
    """Yields the rows that :func:`kdiqa.scorer.many.scored` yields, from so many actors.

    Each has a core, and a GPU where the predictor is on one; it reads and scores. One that dies is
    started again by Ray, and what it had not handed over is scored again. All machines must find
    the files under the same paths, and have kdiqa; the model travels.
    """
    batches = [paths[start : start + batch_size] for start in range(0, len(paths), batch_size)]
    if not batches:
        return
    actors = max(1, workers)
    begin(actors)
    try:
        items = [{"paths": [os.fsencode(path) for path in batch]} for batch in batches]
        blocks = max(-(-len(batches) // BLOCK), min(len(batches), 4 * actors))
        actor: Any = Actor
        dataset = ray.data.from_items(items, override_num_blocks=blocks).map(
            actor,
            fn_constructor_args=(predictor, max_pixels),
            compute=ActorPoolStrategy(size=actors),
            num_cpus=1,
            num_gpus=int(predictor.device.type == "cuda"),
        )
        for batch, row in zip(batches, dataset.iter_rows(), strict=True):
            cells = json.loads(row["rows"])
            yield [Row(path, *one) for path, one in zip(batch, cells, strict=True)]
    finally:
        ray.shutdown()


def begin(actors: int) -> None:
    """Joins the cluster that RAY_ADDRESS names, or begins one of this machine's processes."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        # One core more: Ray Data hands the paths out besides the actors.
        own: dict[str, Any] = {"num_cpus": actors + 1, "object_store_memory": STORE}
        ray.init(address="local", include_dashboard=False, **own, **quiet)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
