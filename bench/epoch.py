"""An epoch of ``akd_biq2021`` online against the same epoch from kept features.

    python -m bench.epoch --data ROOT --write

Both are runs of ``kdiqa.train``, processes of their own, one after the other, with the same teacher
and the same images; what is compared is ``perf/img_per_s`` of the second epoch, so that neither
start-up nor the making of the cache counts. ROOT has BIQ2021's layout, and its first images are
taken; without it scikit-image's photographs are written that way. Weights are random: time does not
depend on them.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import timm
import torch
from PIL import Image
from skimage import data

from bench.record import record

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
TEACHER = ("distill=false", "name=teacher", "module.net.depth=2", "module.net.distorted_depth=2")
TEN_CROPS = (
    *("num_crops=10", "test_crops=random", "data.test_crops.size=224"),
    *("data.train_crops.mode=random", "data.train_crops.size=224"),
)


@dataclass(frozen=True)
class Case:
    """A backbone, how it is shown an image, and how many images an epoch has."""

    name: str
    model: str
    words: tuple[str, ...]
    batch: int
    batches: int
    bar: float


CASES = (
    Case("mobilenetv2_100, expansions, one view of 384", "mobilenetv2_100", (), 64, 4, 8),
    Case("Swin-T, 10 crops of 224", "swin_tiny_patch4_window7_224",
         ("backbone=swin_tiny", *TEN_CROPS), 8, 4, 30),
)  # fmt: skip
QUICK = (replace(CASES[0], batch=8, batches=2), replace(CASES[1], batch=2, batches=2))


def write_biq2021(folder: Path, images: dict[str, int], given: Path | None = None) -> Path:
    """Writes a small BIQ2021, of given images or of scikit-image's.

    Args:
        folder: Gets the images and both lists.
        images: How many of each list.
        given: A folder of the same layout, whose first images are taken.
    """
    (folder / "Images").mkdir(parents=True)
    for part, count in images.items():
        file = f"{part} (Images and MOS).csv"
        if given is None:
            rows = [(f"{part} ({i}).jpg", 0.1 + 0.8 * (i % 9) / 8) for i in range(count)]
        else:
            table = pd.read_csv(given / file)
            rows = list(zip(table["Image Name"], table["MOS"], strict=True))[:count]
        with open(folder / file, "w", newline="") as table:
            csv.writer(table).writerows([("Image Name", "MOS"), *rows])
        for i, (name, _) in enumerate(rows):
            target = folder / "Images" / name
            if given is not None:
                target.symlink_to((given / "Images" / name).resolve())
                continue
            photograph = getattr(data, PHOTOGRAPHS[i % len(PHOTOGRAPHS)])()
            pixels = np.roll(photograph, (37 * i, 61 * i), axis=(0, 1))
            Image.fromarray(pixels).resize((512, 512)).save(target, quality=92)
    return folder


def write_weights(path: Path, model: str) -> Path:
    """Writes a backbone's random weights, the same for all runs."""
    torch.manual_seed(0)
    torch.save(timm.create_model(model, pretrained=False).state_dict(), path)
    return path


def train(words: Sequence[str], folder: Path, threads: int | None = None) -> Path:
    """Trains in a process of its own and returns the run's folder."""
    command = [sys.executable, "-m", "kdiqa.train", "experiment=akd_biq2021", "compare=null"]
    command += ["trainer=cpu" if not torch.cuda.is_available() else "trainer=default", *words]
    environment = os.environ | {"KDIQA_CACHE": str(folder.parent / "cache")}
    if threads is not None:
        environment |= {"OMP_NUM_THREADS": str(threads)}
    told = subprocess.run(
        [*command, "callbacks.progress=null", f"run={folder}"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if told.returncode:
        sys.exit(f"{' '.join(command)}\n{told.stdout[-2000:]}\n{told.stderr[-2000:]}")
    return folder


def rate(folder: Path) -> float:
    """Returns images a second of a run's last epoch."""
    return float(pd.read_csv(folder / "metrics.csv")["perf/img_per_s"].dropna().iloc[-1])


def measured(case: Case, home: Path, given: Path | None) -> dict[str, Any]:
    """Returns the row of a case."""
    images = case.batch * case.batches
    root = write_biq2021(home / "data", {"Train": images + images // 2, "Test": 8}, given)
    weights = write_weights(home / "weights.pth", case.model)
    words = [
        *case.words, f"data.root={root}", f"module.net.backbone.weights={weights}",
        f"data.batch_size={case.batch}", f"trainer.limit_train_batches={case.batches}",
        "trainer.limit_val_batches=1", "trainer.limit_test_batches=1", "data.num_workers=0",
    ]  # fmt: skip
    teacher = train([*words, *TEACHER, "trainer.max_epochs=1"], home / "teacher")
    words += [f"teacher={teacher}", "trainer.max_epochs=2"]
    online = rate(train([*words, "features=online"], home / "online"))
    cached = rate(train([*words, "features=cached"], home / "cached"))
    return {
        "backbone": case.name,
        "images": images,
        "batch": case.batch,
        "online, images/s": online,
        "cached, images/s": cached,
        "online / cached, time": cached / online,
        "bar": case.bar,
    }


def main() -> None:
    """Measures, prints and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder of BIQ2021's layout")
    parser.add_argument("--quick", action="store_true", help="a few images: does it work?")
    parser.add_argument("--write", action="store_true", help="record it in bench/results/")
    options = parser.parse_args()
    rows = []
    for case in QUICK if options.quick else CASES:
        with tempfile.TemporaryDirectory() as home:
            rows.append(measured(case, Path(home), options.data))
        print(rows[-1], flush=True)
    record(
        "epoch",
        "An epoch of akd_biq2021: online against from kept features",
        f"python -m bench.epoch{' --data ROOT' if options.data else ''} --write",
        "Images a second of the second epoch's training, wall-clock time, one run after the other;"
        f" photographs of 512 x 512, {torch.get_num_threads()} threads, no workers. Bar: how many"
        " times faster the cached epoch has to be.",
        rows,
        options.write and not options.quick,
    )


if __name__ == "__main__":
    main()
