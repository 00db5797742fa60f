"""Images per second per core from files to a batch, against plain Pillow and torchvision.

    python -m bench.data_pipeline --photos FOLDER --write

FOLDER holds JPEGs of 1024 x 768; without it scikit-image's photographs are saved at that size.
``plain`` opens and decodes an image once, then takes P times RandomCrop, ToTensor and Normalize,
and stacks; ours decodes once, cuts views and collates uint8, which are normalised on the device.
Both run in turn on the same files in one thread, timed by the processor.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from torch import Tensor
from torch.utils.data import DataLoader, default_collate
from torchvision import transforms as T

from bench.redistortion import plain as plain_redistortion
from kdiqa.data.crops import Crops
from kdiqa.data.dataset import IQADataset
from kdiqa.data.images import read_rgb
from kdiqa.data.pairing import Pairing, Redistorted
from kdiqa.data.record import Record
from kdiqa.distortions.redistort import official9

RESULT = Path(__file__).parent / "results" / "data_pipeline.md"
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
CROP = T.Compose([T.RandomCrop(224), T.ToTensor(), T.Normalize(MEAN, STD)])
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "retina", "hubble_deep_field")
Step = Callable[[], object]


def written(folder: Path, suffix: str, width: int, height: int) -> list[Path]:
    paths = []
    for name in PHOTOS:
        image = cv2.resize(getattr(data, name)(), (width, height), interpolation=cv2.INTER_AREA)
        paths.append(folder / f"{name}{suffix}")
        Image.fromarray(image).save(paths[-1], quality=95)
    return paths


def plain(paths: Sequence[Path], redistort: bool) -> Tensor:
    samples = []
    for path in paths:
        images = [Image.open(path).convert("RGB")]
        if redistort:
            images.append(Image.fromarray(plain_redistortion(np.asarray(images[0]), 0)))
        samples.append(torch.stack([CROP(image) for image in images for _ in range(10)]))
    return default_collate(samples)


def ours(paths: Sequence[Path], redistort: bool) -> dict[str, Tensor]:
    pairs: dict[str, Pairing] = {"second": Redistorted(official9())} if redistort else {}
    dataset = IQADataset([Record(p, 0.5, p.stem) for p in paths], Crops(10, 224), pairs, 0)
    return default_collate([dataset[i] for i in range(len(paths))])


def compared(paths: Sequence[Path], redistort: bool, repeats: int) -> tuple[NDArray, list[str]]:
    """Returns milliseconds an image of plain, ours and decoding alone, and their row."""
    steps: list[Step] = [
        lambda: plain(paths, redistort),
        lambda: ours(paths, redistort),
        lambda: [read_rgb(path) for path in paths],
    ]
    times = np.empty((repeats, 3))
    for i in range(-1, repeats):  # the first round is thrown away
        for k, step in enumerate(steps):
            start = time.process_time()
            step()
            times[i, k] = 1e3 * (time.process_time() - start) / len(paths)
    rates, ratio = 1e3 / np.median(times, axis=0), np.median(times[:, 0] / times[:, 1])
    over = np.median(times[:, 1] / times[:, 2])
    return times, [f"{r:.0f}" for r in rates] + [f"{ratio:.2f}", f"{over:.2f}"]


class Watched(IQADataset):
    """Says beside each sample what its process holds, in MiB."""

    def __getitem__(self, key: int) -> dict[str, Any]:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return super().__getitem__(key) | {"rss": pages * os.sysconf("SC_PAGE_SIZE") / 2**20}


def memory(path: Path, samples: int) -> list[float]:
    """Returns the memory of one worker at a tenth, a half and the end of many samples."""
    pairs = {"second": Redistorted(official9(), "per_epoch")}
    records = [Record(path, 0.5, path.stem)] * samples
    dataset = Watched(records, Crops(2, 32), pairs, 0)
    held = torch.cat([b["rss"] for b in DataLoader(dataset, 16, num_workers=1)])
    return [float(held[int(share * (samples - 1))]) for share in (0.1, 0.5, 1)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--write", action="store_true", help=f"write {RESULT.name}")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1), torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        kinds = {"1024x768 JPEG, scikit-image": written(Path(name), ".jpg", 1024, 768)}
        if options.photos:
            kinds["1024x768 JPEG, given"] = sorted(options.photos.glob("*.jpg"))[:12]
        kinds["512x384 BMP, scikit-image"] = written(Path(name), ".bmp", 512, 384)
        for kind, paths in kinds.items():
            for redistort in (False, True):
                repeats = 3 if redistort else options.repeats
                _, row = compared(paths, redistort, repeats)
                second = "image and re-distorted" if redistort else "image"
                size = sum(path.stat().st_size for path in paths) / len(paths) / 1e3
                rows.append(f"| {kind}, {size:.0f} kB | {second} | {' | '.join(row)} |")
                print(rows[-1], flush=True)
        small = Path(name, "small.png")
        Image.fromarray(cv2.resize(data.astronaut(), (64, 48))).save(small)
        held = memory(small, options.samples)
    lines = [
        "# From files to a batch: 10 crops of 224 of each image, one core",
        "",
        "Command: `python -m bench.data_pipeline --photos FOLDER --write`. Medians of pairs run in",
        "turn, processor time of one thread. The machine had other work. `plain` decodes once, too.",
        "No reader beats the decoder: ours / plain is at most decoding alone / plain.",
        "",
        "| files | shown | plain, images/s | ours, images/s | decoding alone, images/s "
        "| ours / plain | time of ours / of decoding |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        f"Memory of one worker over {options.samples} samples of 64x48, re-distorted: "
        f"{held[0]:.0f} MiB after a tenth, {held[1]:.0f} after half, {held[2]:.0f} at the end.",
        "",
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"OpenCV {cv2.__version__}.",
    ]
    print("\n".join(lines))
    if options.write:
        RESULT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
