"""Computes the frozen features that `photo` is fitted on, and goes on where it was stopped.

``python -m experiments.bundled.features CACHE --biq2021 FOLDER --pristine FOLDER``. One file of
numbers a picture of the ladders, and one for 250 photographs; what is there is not computed again.
The numbers are what :class:`~kdiqa.models.backbone.Backbone` reads of an image at the size at which
the model will see it: mean and deviation of EfficientNet-Lite0's seven stages, as signed roots.
"""

import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import default_rng
from numpy.typing import NDArray
from rich.progress import track

from experiments.bundled.deviation import mdsi
from experiments.bundled.harm import DRAWN, KINDS, ladder
from kdiqa.config.instantiate import instantiate
from kdiqa.data.images.read import read_rgb
from kdiqa.data.readers.biq2021 import BIQ2021
from kdiqa.data.seeds import derive_seed
from kdiqa.files import atomic

Image = NDArray[np.uint8]
BACKBONE = {
    "_target_": "kdiqa.models.backbone.Backbone",
    "name": "tf_efficientnet_lite0",
    "weights": "package",
    "pyramid": {
        "_target_": "kdiqa.models.levels.Levels",
        "taps": "blocks",
        "levels": 7,
        "grid": 1,
        "statistics": "mean_std",
        "norm": "root",
    },
}
CROPS = {  # the whole image, shrunk to the area of BIQ2021's photographs where it is larger
    "_target_": "kdiqa.data.crops.Crops",
    "num": 1,
    "size": None,
    "mode": "full",
    "max_pixels": 2**18,
}
SIDE = 512  # pixels, of a pristine picture: the middle of what is larger
SHARD = 250  # photographs
TEST, VAL, TRAIN = 44, 16, 128  # pristine pictures
OTHERS = 5  # types of a ladder's picture in training, besides the four commonest
BATCH = 5  # pictures: what a ladder has


def main() -> None:
    """Computes what is missing."""
    parser = argparse.ArgumentParser("python -m experiments.bundled.features")
    parser.add_argument("cache", type=Path, metavar="CACHE")
    parser.add_argument("--biq2021", type=Path, metavar="FOLDER")
    parser.add_argument("--pristine", type=Path, metavar="FOLDER", help="PNG files, at any depth")
    options = parser.parse_args()
    torch.set_num_threads(1)
    reader = Reader()
    if options.biq2021:
        photographs(options.cache / "photographs", reader, options.biq2021)
    if options.pristine:
        ladders(options.cache / "ladders", reader, options.pristine)


class Reader:
    """Reads features as the packed model will: its filters are stored in 16 bits."""

    def __init__(self) -> None:
        self.backbone: Any = instantiate(BACKBONE)
        self.crops = instantiate(CROPS)
        for parameter in self.backbone.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.half().float()

    def __call__(self, images: Sequence[Image]) -> NDArray[np.float16]:
        """Returns features of images of one size, :math:`(N, F)`.

        In bfloat16, where a processor has it: a third of the time.
        """
        seen = [self.crops({"image": image}, 0)["image"][0] for image in images]
        batch = torch.from_numpy(np.stack(seen)).permute(0, 3, 1, 2)[:, None]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            levels = self.backbone([batch])[0]
        rows: NDArray[np.float32] = torch.cat([x.float().flatten(1) for x in levels], 1).numpy()
        return rows.astype(np.float16)


def photographs(folder: Path, reader: Reader, root: Path) -> None:
    """Computes the features of BIQ2021's photographs, with opinions and official subsets."""
    data = BIQ2021(root)
    data.setup()
    official = set(data.positions("test"))
    starts = range(0, len(data.records), SHARD)
    for start in track(starts, "Photographs"):
        path = folder / f"{start:05d}.npz"
        if path.is_file():
            continue
        positions = range(start, min(start + SHARD, len(data.records)))
        records = [data.records[i] for i in positions]
        rows = [reader([read_rgb(record.image)])[0] for record in records]
        write(
            path,
            features=np.stack(rows),
            image=np.array([record.image.name for record in records]),
            mos=np.array([record.mos for record in records]),
            test=np.array([i in official for i in positions]),
        )


def ladders(folder: Path, reader: Reader, root: Path) -> None:
    """Computes the features of pristine pictures and of what is left of them, level by level."""
    for path, part in track(split(sorted(root.rglob("*.png"))), "Ladders"):
        to = folder / part / f"{path.stem}.npz"
        if to.is_file():
            continue
        pristine = middle(read_rgb(path))
        rng = default_rng(derive_seed("photo", path.stem))
        steps = [("pristine", 0, reader([pristine])[0], 0.0)]
        for kind in kinds(part, rng):
            harmed = list(ladder(pristine, kind, rng, drawn=part == "train"))
            rows = reader([step.image for step in harmed])
            steps += [
                (kind, step.level, row, mdsi(step.image, pristine))
                for step, row in zip(harmed, rows, strict=True)
            ]
        names, levels, features, deviation = zip(*steps, strict=True)
        write(to, kind=np.array(names), level=np.array(levels), features=np.stack(features),
              deviation=np.array(deviation))  # fmt: skip


def split(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yields pictures with their part, by a draw that is fixed; graphs are no pictures."""
    pictures = [path for path in paths if "plot" not in path.stem.lower()]
    order = default_rng(0).permutation(len(pictures))
    parts = ["val"] * VAL + ["train"] * TRAIN + ["test"] * TEST
    for index, part in zip(order, parts, strict=False):
        yield pictures[index], part


def kinds(part: str, rng: np.random.Generator) -> Sequence[str]:
    """Returns the types of a picture: in training the commonest and some, else all."""
    if part != "train":
        return KINDS
    others = [kind for kind in KINDS if kind not in DRAWN]
    return [*DRAWN, *rng.choice(others, OTHERS, replace=False)]


def middle(image: Image) -> Image:
    """Returns the middle of a picture, of at most so many pixels a side."""
    top, left = (max(0, (side - SIDE) // 2) for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + SIDE, left : left + SIDE])


def write(path: Path, **arrays: NDArray[Any]) -> None:
    """Writes arrays, complete or not at all."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    atomic.write(path, file.getvalue())


if __name__ == "__main__":
    main()
