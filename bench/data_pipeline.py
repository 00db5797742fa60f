"""Images per second per core from files to a batch, against plain Pillow and torchvision.

    python -m bench.data_pipeline --photos FOLDER --write

FOLDER holds JPEGs of 1024 x 768; without it scikit-image's photographs are saved at that size.
Two plain variants, both RandomCrop, ToTensor, Normalize, float32: ``decode once`` opens an image
once for its P crops; ``one sample a crop``, the arrangement of HyperIQA and its heirs, has each crop
open and decode the file. Ours decodes once, cuts views and collates uint8, normalised on the device.
All take turns on the same files in one thread, timed by the processor.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import cv2
import numpy as np
import torch
from PIL import Image
from skimage import data
from torch import Tensor
from torch.utils.data import DataLoader, default_collate
from torchvision import transforms as T

from bench.record import record
from bench.redistortion import plain as plain_redistortion
from kdiqa.data.crops import Crops
from kdiqa.data.dataset import IQADataset
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.pairing import Pairing, Redistorted
from kdiqa.data.record import Record
from kdiqa.distortions.redistort import official9

CROPS = 10
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
        samples.append(torch.stack([CROP(image) for image in images for _ in range(CROPS)]))
    return default_collate(samples)


def plain_each(paths: Sequence[Path]) -> Tensor:
    """Returns the batch of samples that are a crop each, as HyperIQA and its heirs list them."""
    return default_collate(
        [CROP(Image.open(path).convert("RGB")) for path in paths for _ in range(CROPS)]
    )


def ours(paths: Sequence[Path], redistort: bool) -> dict[str, Tensor]:
    pairs: dict[str, Pairing] = {"second": Redistorted(official9())} if redistort else {}
    dataset = IQADataset([Record(p, 0.5, p.stem) for p in paths], Crops(CROPS, 224), pairs, 0)
    return default_collate([dataset[i] for i in range(len(paths))])


def compared(paths: Sequence[Path], redistort: bool, repeats: int) -> dict[str, float | None]:
    """Returns images a second of each arrangement, and ratios of neighbours in time."""
    steps: dict[str, Step] = {
        "decode once": lambda: plain(paths, redistort),
        "ours": lambda: ours(paths, redistort),
        "decoding alone": lambda: [read_rgb(path) for path in paths],
    }
    if not redistort:  # no code at hand re-distorts an image anew for each of its crops
        steps["one sample a crop"] = lambda: plain_each(paths)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(repeats + 1):
        for name, step in steps.items():
            start = time.process_time()
            step()
            if turn:  # the first round is thrown away
                times[name].append((time.process_time() - start) / len(paths))

    def rate(name: str) -> float | None:
        return 1 / float(np.median(times[name])) if name in times else None

    def ratio(slow: str, fast: str) -> float | None:
        return float(np.median(np.divide(times[slow], times[fast]))) if slow in times else None

    return {
        "decode once, images/s": rate("decode once"),
        "one sample a crop, images/s": rate("one sample a crop"),
        "ours, images/s": rate("ours"),
        "decoding alone, images/s": rate("decoding alone"),
        "decode once / ours, time": ratio("decode once", "ours"),
        "one sample a crop / ours, time": ratio("one sample a crop", "ours"),
        "ours / decoding alone, time": ratio("ours", "decoding alone"),
    }


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


def small_image(folder: Path) -> Path:
    """Writes a picture that takes no time."""
    path = folder / "small.png"
    Image.fromarray(cv2.resize(data.astronaut(), (64, 48))).save(path)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--write", action="store_true", help="record it in bench/results/")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1), torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        kinds = {"1024x768 JPEG, scikit-image": written(Path(name), ".jpg", 1024, 768)}
        if options.photos:
            kinds["1024x768 JPEG, given"] = sorted(options.photos.glob("*.jpg"))[:12]
        kinds["512x384 BMP, scikit-image"] = written(Path(name), ".bmp", 512, 384)
        for kind, paths in kinds.items():
            for redistort in (False, True):
                size = sum(path.stat().st_size for path in paths) / len(paths) / 1e3
                said = {
                    "files": f"{kind}, {size:.0f} kB",
                    "shown": "image and re-distorted" if redistort else "image",
                }
                repeats = max(1, options.repeats // 5) if redistort else options.repeats
                rows.append(said | compared(paths, redistort, repeats))
                print(rows[-1], flush=True)
        held = memory(small_image(Path(name)), options.samples)
    given = " --photos FOLDER" if options.photos else ""
    record(
        "data_pipeline",
        f"From files to a batch: {CROPS} crops of 224 of each image, one core",
        f"python -m bench.data_pipeline{given} --repeats {options.repeats} --write",
        "Processor time of one thread; medians. Plain code that decodes an image once for all its"
        " crops, and plain code in which each crop is a sample that decodes the file. No reader"
        f" beats the decoder. Memory of one worker over {options.samples} samples of 64x48,"
        f" re-distorted: {held[0]:.0f} MiB after a tenth, {held[1]:.0f} after half,"
        f" {held[2]:.0f} at the end.",
        rows,
        options.write,
    )


if __name__ == "__main__":
    main()
