"""Images per second of an exported student on two cores, 512×512 pictures, resize included.

    python -m bench.export --write
    python -m bench.export RUN --write

Without a run: a student of edge_biq2021's shape, MobileNetV2 (0.35) on the middle 176 pixels, with
random weights. Each file scores the same photographs of scikit-image, one picture a call from two
threads of one core each, and eight pictures a call on two threads. PyTorch scores them one by one
on two threads; all take turns, after a round that is not counted. Reading files is left out. Where
the machine has other work, the milliseconds of a core that an image takes are what to read: two
idle cores score 2000 / that a second.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data

from bench.folder_scoring import EDGE, write_checkpoint
from bench.record import record
from kdiqa.export import parity
from kdiqa.export.graph import joined, net_graph
from kdiqa.export.precision import half, int8
from kdiqa.scorer import Scorer, load

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
SIDE, CORES, BATCH = 512, 2, 8


def photographs() -> NDArray[np.uint8]:
    """Returns eight parts of photographs, 512×512."""
    images = [cv2.resize(getattr(data, name)(), (SIDE, SIDE)) for name in PHOTOGRAPHS]
    return np.stack([np.roll(image, turn, axis=1) for image in images for turn in (0, 97)])


def files(scorer: Scorer, images: NDArray[np.uint8]) -> dict[str, bytes]:
    """Returns the student's files, serialised."""
    net = net_graph(scorer)
    seen = [scorer.views(image)["image"][None].numpy().astype(np.float32) for image in images]
    nets = {"float32": net, "float16 weights": half(net), "INT8": int8(net, seen)}
    return {name: joined(made, scorer).SerializeToString() for name, made in nets.items()}


def one_by_one(session: Any, images: NDArray[np.uint8], count: int) -> Callable[[], None]:
    """Returns what scores ``count`` pictures from two threads, a picture a call."""

    def run() -> None:
        with ThreadPoolExecutor(CORES) as pool:
            feeds = [{"image": images[i % len(images)][None]} for i in range(count)]
            list(pool.map(lambda feed: session.run(None, feed), feeds))

    return run


def together(session: Any, images: NDArray[np.uint8], count: int) -> Callable[[], None]:
    """Returns what scores ``count`` pictures, eight a call."""

    def run() -> None:
        for _ in range(count // BATCH):
            session.run(None, {"image": images[:BATCH]})

    return run


def in_torch(scorer: Scorer, images: NDArray[np.uint8], count: int) -> Callable[[], None]:
    """Returns what scores ``count`` pictures in PyTorch."""
    return lambda: scorer.score([images[i % len(images)] for i in range(count)])


def measure(run: str | None, count: int, repeats: int) -> list[dict[str, Any]]:
    """Returns a row for PyTorch and for each file.

    Args:
        run: A run folder or checkpoint; None for the edge student with random weights.
        count: Pictures of a turn.
        repeats: Turns; medians are returned.
    """
    torch.set_num_threads(CORES)
    with tempfile.TemporaryDirectory() as folder:
        path = run or str(write_checkpoint(Path(folder, "edge.ckpt"), *EDGE))
        scorer = load(path)
    images = photographs()
    made = files(scorer, images)
    timed = {"PyTorch": {"one": in_torch(scorer, images, count)}}
    for name, model in made.items():
        timed[name] = {
            "one": one_by_one(parity.session(model, 1), images, count),
            "eight": together(parity.session(model, CORES), images, count),
        }
    seconds: dict[tuple[str, str], list[float]] = {}
    worked: dict[tuple[str, str], list[float]] = {}
    for turn in range(repeats + 1):
        for name, ways in timed.items():
            for way, score in ways.items():
                begun, used = time.perf_counter(), time.process_time()
                score()
                if turn:
                    seconds.setdefault((name, way), []).append(time.perf_counter() - begun)
                    worked.setdefault((name, way), []).append(time.process_time() - used)
    rate = {key: count / float(np.median(taken)) for key, taken in seconds.items()}
    return [
        {
            "file": name,
            "MB": len(made[name]) / 1e6 if name in made else None,
            "images/s, one a call": rate[name, "one"],
            "best turn": count / min(seconds[name, "one"]),
            "core ms an image": 1000 * float(np.median(worked[name, "one"])) / count,
            "images/s, eight a call": rate.get((name, "eight")),
            "against PyTorch": rate[name, "one"] / rate["PyTorch", "one"],
        }
        for name in timed
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", help="a run folder; default: an untrained edge student")
    parser.add_argument("--count", type=int, default=96, help="pictures a turn, default 96")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="record it in bench/results/")
    options = parser.parse_args(arguments)
    count = max(BATCH, options.count // BATCH * BATCH)
    record(
        "export",
        "An exported edge student, images per second on two cores",
        f"python -m bench.export {'RUN ' if options.run else ''}--write",
        f"Pictures of {SIDE}×{SIDE}, {count} a turn, medians of {options.repeats} turns; "
        + ("a trained student." if options.run else "random weights."),
        measure(options.run, count, options.repeats),
        options.write,
    )


if __name__ == "__main__":
    main()
