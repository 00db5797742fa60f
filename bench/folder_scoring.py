"""Images per second of scoring a folder, against a plain loop over its images.

    python -m bench.folder_scoring --write

Both have the same student, ten crops of 224 an image, random weights, built by the configuration
and read from a checkpoint; one re-distorts with ``official9``, one has no second image. The plain
loop is what one would first write: Pillow opens a file, its crops and those of its re-distorted
copy are cut, the backbone sees the image and then the copy, one image after the other, with
torch's own number of threads. Both get the same cores, take turns, and give the same scores. The
photographs are scikit-image's, brought to two sizes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from skimage import data

from bench.record import record
from kdiqa.config.checkpoint import describe
from kdiqa.config.compose import compose
from kdiqa.config.instantiate import instantiate
from kdiqa.data.record import Record
from kdiqa.data.scale import Label
from kdiqa.data.seeds import Draw
from kdiqa.predict import cores
from kdiqa.runtime.malloc import keep_freed_memory
from kdiqa.scorer import Scorer, load
from kdiqa.scorer.many import scored
from kdiqa.scorer.views import content

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
SIZES = ((512, 512), (1024, 768))  # width, height
# What makes write_checkpoint's student one of edge_biq2021's shape.
EDGE = (
    "second=alone",
    *("net=pooled", "backbone=mobilenetv2_035_expansions", "num_crops=1"),
    *("test_crops=center", "data.test_crops.size=176", "+data.test_crops.resize=256"),
    *("module.net.hidden=64", "module.net.input_norm=running"),
)
STUDENTS = {"with re-distortion": "second=redistorted", "without": "second=none"}


def write_checkpoint(path: Path, *more: str) -> Path:
    """Writes what a run would leave, of a student that has learnt nothing.

    Args:
        path: The checkpoint's.
        more: Overrides, as on the command line.
    """
    words = ["data=koniq10k", "backbone=mobilenetv2_100", "module.net.backbone.weights=random"]
    words += ["distiller=none", "run=.", *more]
    cfg = compose(words)
    torch.manual_seed(0)
    net = instantiate(cfg.module.net)
    with (
        torch.no_grad()
    ):  # heads begin with a tenth of Kaiming's weights: all scores would be alike
        for name, weight in net.named_parameters():
            weight.mul_(1 if name.startswith("backbone.") else 10)
    said = describe(cfg) | {
        "data": {"digest": "", "label": Label(0, 1, False, "zscore", 0.4, 0.002).as_dict()}
    }
    state = {f"net.{name}": value for name, value in net.state_dict().items()}
    torch.save({"state_dict": state, "kdiqa": said}, path)
    return path


def write_photographs(folder: Path, count: int) -> list[str]:
    """Writes JPEG files of two sizes, each another part of a photograph."""
    folder.mkdir()
    paths = []
    for i in range(count):
        photograph = getattr(data, PHOTOGRAPHS[i % len(PHOTOGRAPHS)])()
        shifted = np.roll(photograph, 37 * i, axis=(0, 1))
        pixels = cv2.resize(shifted, SIZES[i % 2], interpolation=cv2.INTER_CUBIC)
        paths.append(str(folder / f"{i:03d}.jpg"))
        Image.fromarray(pixels).save(paths[-1], quality=92)
    return paths


def plain(checkpoint: Path, paths: Sequence[str]) -> tuple[float, list[float]]:
    """Returns the seconds for all images, one after the other, and their scores."""
    torch.set_num_threads(cores())
    scorer = load(checkpoint)
    begun, scores = time.perf_counter(), [alone(scorer, path) for path in paths]
    return time.perf_counter() - begun, scores


def alone(scorer: Scorer, path: str) -> float:
    net, views = scorer.net, scorer.views
    image = np.array(Image.open(path).convert("RGB"))
    draw = Draw.of(views.seed, 0, 0, content(image), training=False)
    images = {"image": image}
    for name, pair in views.pairs.items():
        images[name] = pair(image, Record(Path(path), 0.0, ""), draw.seed("per_image", "pair"))
    crops = views.crops(images, draw.seed("per_epoch", "crops"))
    with torch.no_grad():
        pyramids = {
            name: net.backbone([torch.from_numpy(made).permute(0, 3, 1, 2)[None]])[0]
            for name, made in crops.items()
        }
        learned = net(*(pyramids[name] for name in scorer.pair)).score
    return min(max(float(scorer.label.to_unit(learned.double())), 0.0), 1.0)


def ours(scorer: Scorer, paths: Sequence[str]) -> tuple[float, list[float]]:
    """Returns the seconds and the scores as ``kdiqa predict`` finds them."""
    begun = time.perf_counter()
    batches = list(scored(scorer, paths, batch_size=8, workers=cores()))
    seconds = time.perf_counter() - begun
    return seconds, [np.nan if row.score is None else row.score for b in batches for row in b]


def measure(count: int = 24, repeats: int = 5) -> list[dict[str, float | str]]:
    """Returns a row for each student: images a second of ours and plain, and their ratio.

    Args:
        count: Photographs.
        repeats: Turns; the medians of the ratios and of the rates are returned.
    """
    keep_freed_memory()  # as the command does; the loop has a process of its own, without
    torch.set_num_threads(cores())
    rows: list[dict[str, float | str]] = []
    loop = ProcessPoolExecutor(1, get_context("spawn"))
    with tempfile.TemporaryDirectory() as made, loop:
        folder = Path(made)
        paths = write_photographs(folder / "photographs", count)
        for name, second in STUDENTS.items():
            checkpoint = write_checkpoint(folder / f"{name}.ckpt", second)
            scorer = load(checkpoint)
            loop.submit(plain, checkpoint, paths[:2]).result(), ours(scorer, paths[:2])
            times, apart = np.empty((repeats, 2)), 0.0
            for turn in range(repeats):
                times[turn, 0], theirs = loop.submit(plain, checkpoint, paths).result()
                times[turn, 1], mine = ours(scorer, paths)
                apart = max(apart, float(np.abs(np.subtract(theirs, mine)).max()))
            rate, ratio = count / np.median(times, axis=0), times[:, 0] / times[:, 1]
            rows.append(
                {
                    "student": name,
                    "plain, images/s": round(float(rate[0]), 3),
                    "ours, images/s": round(float(rate[1]), 3),
                    "plain / ours, time": round(float(np.median(ratio)), 3),
                    "least ratio": round(float(ratio.min()), 3),
                    "most ratio": round(float(ratio.max()), 3),
                    "scores apart": apart,
                }
            )
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=24, help="photographs, default 24")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="record it in bench/results/")
    options = parser.parse_args(arguments)
    record(
        "folder_scoring",
        f"Scoring a folder of {options.count} photographs",
        "python -m bench.folder_scoring --write",
        "Half the photographs have 512 x 512, half 1024 x 768 pixels; MobileNetV2 (1.0), ten crops"
        f" of 224. Both take turns on {cores()} cores; wall-clock time, medians of"
        f" {options.repeats}.",
        measure(options.count, options.repeats),
        options.write,
    )


if __name__ == "__main__":
    main()
