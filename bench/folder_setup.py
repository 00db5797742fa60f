"""Seconds and memory until a folder of many images is ready: read, checked and split.

    python -m bench.folder_setup --write

``data=folder`` with a row for each image, two columns, one image of each content. In one layout all
files have names of their own; in the other all are called 0.png, which is what a comparison of each
name with each other would be slow with. The files are links to one small PNG. Each layout runs in a
process of its own; memory is what its peak rises by while it is set up.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.record import peak_memory, record
from kdiqa.data.images.read import write_image
from kdiqa.data.readers.folder import Folder

LINKS = 30_000  # of one file at most: file systems have a limit


def lay_out(root: Path, count: int, alike: bool) -> None:
    """Writes a folder of images and its table."""
    import numpy as np

    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    rows = []
    for number in range(count):
        if number % LINKS == 0:
            source = root.parent / f"{number}.png"
            write_image(source, pixels)
        name = f"{number // 1000}/{number}/0.png" if alike else f"{number // 1000}/{number}.png"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(source, root / name)
        rows.append((name, number % 5))
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "mos"), *rows])


def measured(root: Path) -> dict[str, float]:
    """Returns what setting up a folder takes in this process."""
    before, begun, computed = peak_memory(), time.perf_counter(), time.process_time()
    data = Folder(root, lower=0, upper=5)
    data.setup()
    return {
        "images": len(data.records),
        "s": time.perf_counter() - begun,
        "s of a processor": time.process_time() - computed,
        "MiB": 1024 * (peak_memory() - before),
    }


def main() -> None:
    """Measures both layouts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="images")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measured(options.measure)))
        return
    rows = []
    for alike in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "images")
            root.mkdir()
            lay_out(root, options.count, alike)
            command = [sys.executable, "-m", "bench.folder_setup", "--measure", str(root)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            figures = json.loads(done.stdout.splitlines()[-1])
        rows.append({"names": "all 0.png" if alike else "all different", **figures})
    record(
        "folder_setup",
        "Setting up a folder of images",
        "python -m bench.folder_setup --write",
        "data=folder: table, files and their first and last bytes, split and digest; no pixels.",
        rows,
        options.write,
    )


if __name__ == "__main__":
    main()
