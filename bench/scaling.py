"""What more costs: two processes against one, and scoring more and larger images.

    python -m bench.scaling --write

Training is ``akd_biq2021`` without a teacher, online, by one and by two DDP processes of one thread
each on this processor (gloo), so that two have twice the cores of one. Scoring is timed by the
processor, in one thread: reading (open, decode, re-distort, crop) and the network apart. The edge
model is of ``edge_biq2021``'s shape.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import torch
from PIL import Image
from skimage import data

from bench.epoch import rate, train, write_biq2021, write_weights
from bench.folder_scoring import EDGE, write_checkpoint
from bench.record import record
from kdiqa.runtime.malloc import keep_freed_memory
from kdiqa.scorer import Scorer, load

MODELS = {
    "student: MobileNetV2, 10 crops, re-distorted": ("second=redistorted",),
    "student: MobileNetV2, 10 crops": ("second=none",),
    "edge: MobileNetV2 (0.35), the middle 176²": EDGE,
}


def processes(home: Path, batch: int, batches: int) -> list[dict[str, Any]]:
    """Returns a row for one and one for two processes, each with its own batches."""
    root = write_biq2021(home / "data", {"Train": 3 * batch * batches, "Test": 8})
    weights = write_weights(home / "weights.pth", "mobilenetv2_100")
    words = [
        *("distill=false", "features=online", "trainer=ddp", "trainer.accelerator=cpu"),
        *(f"data.root={root}", f"module.net.backbone.weights={weights}", "data.num_workers=0"),
        *(f"data.batch_size={batch}", f"trainer.limit_train_batches={batches}"),
        *("trainer.max_epochs=2", "trainer.limit_val_batches=1", "trainer.limit_test_batches=1"),
    ]
    rows: list[dict[str, Any]] = []
    for count in (1, 2):
        run = train([*words, f"trainer.devices={count}"], home / f"of_{count}", threads=1)
        rows.append({"processes": count, "images/s": rate(run)})
        rows[-1]["ratio to one"] = rows[-1]["images/s"] / rows[0]["images/s"]
    return rows


def write_photographs(folder: Path, megapixels: float, count: int) -> list[Path]:
    """Writes photographs of four to three as JPEG files."""
    width = round((1e6 * megapixels * 4 / 3) ** 0.5)
    photograph = cv2.resize(data.coffee(), (width, round(width * 0.75)))
    folder.mkdir()
    paths = [folder / f"{i}.jpg" for i in range(count)]
    for path in paths:
        Image.fromarray(photograph).save(path, quality=92)
    return paths


def cost(scorer: Scorer, paths: list[Path]) -> tuple[float, float]:
    """Returns processor seconds an image of reading and of the network, medians."""
    reading, network = [], []
    for path in paths:
        begun = time.process_time()
        pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        batch = {name: crops[None] for name, crops in scorer.views(pixels, path.name).items()}
        read = time.process_time()
        scorer.predict(batch)
        network.append(time.process_time() - read)
        reading.append(read - begun)
    return median(reading), median(network)


def scoring(home: Path, sizes: list[float], counts: list[int]) -> list[dict[str, Any]]:
    """Returns rows of growing pictures and of growing folders, for each model."""
    asked = [(size, counts[0]) for size in sizes] + [(1.0, count) for count in counts[1:]]
    folders = {
        (size, count): write_photographs(home / f"{size}_{count}", size, count)
        for size, count in asked
    }
    rows = []
    for name, words in MODELS.items():
        scorer = load(write_checkpoint(home / "model.ckpt", *words))
        cost(scorer, folders[asked[0]][:1])  # warms up
        for (size, count), paths in folders.items():
            reading, network = cost(scorer, paths)
            rows.append({"model": name, "images": count, "megapixels": size})
            rows[-1] |= {"reading, s/image": reading, "network, s/image": network}
            rows[-1]["together, s/image"] = reading + network
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measures, prints and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few images: does it work?")
    parser.add_argument("--write", action="store_true", help="record it in bench/results/")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1), cv2.setNumThreads(1)
    write = options.write and not options.quick
    command = "python -m bench.scaling --write"
    with tempfile.TemporaryDirectory() as home:
        sizes, counts = ([0.25, 1.0], [2, 4]) if options.quick else ([0.25, 1, 4, 16], [4, 8, 16])
        rows = scoring(Path(home), sizes, counts)
    record(
        "scoring_cost",
        "Scoring: cost against the number of images and of pixels",
        command,
        "Processor seconds an image, one thread, images one by one; random weights.",
        rows,
        write,
    )
    with tempfile.TemporaryDirectory() as home:
        rows = processes(Path(home), *((4, 2) if options.quick else (16, 6)))
    record(
        "scaling",
        "Training by one and by two processes on one machine",
        command,
        "akd_biq2021 without a teacher, online, one thread a process, gloo; images a second of the"
        " second epoch, wall-clock time.",
        rows,
        write,
    )


if __name__ == "__main__":
    main()
