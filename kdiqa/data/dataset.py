"""Scored images, as tensors of crops."""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from kdiqa.data.crops import Crops
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.pairing import Pairing, given
from kdiqa.data.record import Record
from kdiqa.data.seeds import Draw

Image = NDArray[np.uint8]
Cut = Callable[[Mapping[str, Image], int], dict[str, Image]]  # a Crops, or what cuts alike


class IQADataset(Dataset[dict[str, Tensor]]):
    """Scored images, each as P crops, with the crops of the images it is paired with.

    A sample is a dict of ``image`` (uint8, :math:`(P, 3, H, W)`), the same for each pair under its
    name, ``mos`` (float32) and ``index`` (int64). All that is random in it follows from the seed,
    the epoch and the index in training, from the seed and the image's file name in evaluation.

    Args:
        records: What to read.
        crops: The crops of the image and of the pairs aligned with it.
        pairs: By name, what each image is paired with.
        seed: Of every draw.
        training: Draws anew in every epoch.
        positions: The ``index`` of each record; by default its position in ``records``.
    """

    def __init__(
        self,
        records: Sequence[Record],
        crops: Crops,
        pairs: Mapping[str, Pairing],
        seed: int,
        training: bool = True,
        positions: Sequence[int] | None = None,
    ) -> None:
        self.records, self.crops, self.seed, self.training = records, crops, seed, training
        self.pairs = given(pairs if training else {n: p.evaluated() for n, p in pairs.items()})
        self.positions = range(len(records)) if positions is None else positions

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: int) -> dict[str, Tensor]:
        """Returns the sample of ``key = epoch * len(self) + index``."""
        epoch, index = divmod(key, len(self.records))
        record, position = self.records[index], self.positions[index]
        draw = Draw.of(self.seed, epoch, position, record.name, self.training)
        image = read_rgb(record.image)
        if record.drawn is not None:
            image = record.drawn(image, draw.seed("per_epoch", "distortion"))
        views = cut(image, record, self.crops, self.pairs, draw, self.training)
        return {name: to_tensor(crops) for name, crops in views.items()} | {
            "mos": torch.tensor(record.mos, dtype=torch.float32),
            "index": torch.tensor(position),
        }


def cut(
    image: Image,
    record: Record,
    crops: Cut,
    pairs: Mapping[str, Pairing],
    draw: Draw,
    training: bool = False,
) -> dict[str, Image]:
    """Returns the crops of an image and of its pairs, each :math:`(P, H, W, 3)`, by name.

    Training alone cuts a pair that is not aligned by its own crops, where it has any: they are
    augmentation, and evaluation cuts it as the image.
    """
    seconds = {
        name: pair(image, record, draw.seed(pair.seed_mode, "pair"))
        for name, pair in pairs.items()
        if pair.where == "image"
    }
    aligned = {name: second for name, second in seconds.items() if pairs[name].aligned}
    views = crops({"image": image} | aligned, draw.seed("per_epoch", "crops"))
    count = len(views["image"])
    for name, pair in pairs.items():
        if pair.where == "crop":
            seeds = [draw.seed(pair.seed_mode, "pair", index) for index in range(count)]
            each = zip(views["image"], seeds, strict=True)
            views[name] = np.stack([pair(crop, record, seed) for crop, seed in each])
        elif not pair.aligned:
            own = pair.crops if training and pair.crops is not None else crops
            # Without the name: what stands under two names is drawn alike, for the student as for
            # the teacher.
            seed = draw.seed("per_epoch", "crops", "apart")
            view = own({"image": seconds[name]}, seed)["image"]
            # A second image of another size may have more or fewer tiles: taken in turn.
            views[name] = view if len(view) == count else view[np.arange(count) % len(view)]
    return views


def references_of(pairs: Mapping[str, Pairing], crops: Crops, seed: int) -> IQADataset | None:
    """Returns the bank that evaluation compares every image with, if one of its pairs has one."""
    banks = (pair.references() for pair in pairs.values())
    records = next((bank for bank in banks if bank is not None), None)
    return None if records is None else IQADataset(records, crops, {}, seed, training=False)


def to_tensor(crops: Image) -> Tensor:
    """Returns crops :math:`(P, H, W, 3)` as a tensor :math:`(P, 3, H, W)`, still uint8.

    They become floats on the device: a quarter of the bytes to collate and to move.
    """
    num, height, width, channels = crops.shape
    planes = np.empty((num, channels, height, width), np.uint8)
    for crop, plane in zip(crops, planes, strict=True):
        cv2.split(crop, list(plane))  # writes into the planes; a transposing copy takes four times
    return torch.from_numpy(planes)
