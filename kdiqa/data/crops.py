"""Crops: which parts of an image the net sees, the same parts of all its aligned views."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network at import otherwise

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray

from kdiqa.data.boxes import COUNTS, CropMode, check_numbers, corners, fitted

Image = NDArray[np.uint8]
MAX_PIXELS = 2**22
MOVES = (A.RandomCrop, A.HorizontalFlip, A.VerticalFlip)  # they move pixels, and change none


def paired_flips() -> list[A.BasicTransform]:
    """Returns the augmentation of AKD-IQA's teacher: two flips, each with probability 0.5.

    The official code adds a half turn with p = 0.5. That is one of the four products of the two
    flips: the distribution is the same without it.
    """
    return [A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)]


def official_augmentation() -> list[A.BasicTransform]:
    """Returns the augmentation of AKD-IQA's re-distorted crops: both flips, then any rotation.

    The corners that a rotation leaves empty are black, as in the official code.
    """
    black = {"border_mode": cv2.BORDER_CONSTANT, "fill": 0}
    return [*paired_flips(), A.Rotate((-180, 180), cv2.INTER_NEAREST, p=1.0, **black)]


class Crops:
    """Cuts P square crops out of an image and, at the same positions, out of its aligned views.

    An image whose short side is below ``size`` is enlarged until it fits. At test, the modes
    without a draw of their own are still flipped and transformed by the seed where that is set.

    Args:
        num: The number P of crops of an image, of ``random`` and ``grid``. None: the mode's own, 5 and
            10 of ``five`` and ``ten`` and 1 of all others; P of ``tiles`` follows from the image.
        size: Side of a crop in pixels. With ``full`` the whole image is squeezed into that square,
            and None keeps its own height and width.
        mode: ``random``: P positions drawn from the seed; ``grid``: P positions spread evenly, row by
            row; ``center``: the middle; ``five``: the four corners and the middle; ``ten``: those
            five, and all five mirrored left-right; ``full``: the whole image; ``tiles``: the whole
            image in tiles side by side, the last row and column of them shifted inwards.
        resize: Short side in pixels that every image is brought to before it is cropped.
        flip: Mirrors each crop left-right with probability 0.5.
        transforms: What else is done to each crop, for instance :func:`official_augmentation`.
        max_pixels: Of a whole image of its own size, or of all tiles of one, together: the memory
            of ``full`` and ``tiles``. A larger image is shrunk until it fits.

    Raises:
        ValueError: If the numbers contradict the mode, or an image is too long for its tiles.

    Example:
        >>> crops = Crops(num=2, size=8)
        >>> crops({"image": np.zeros((16, 24, 3), np.uint8)}, seed=0)["image"].shape
        (2, 8, 8, 3)
    """

    def __init__(
        self,
        num: int | None = None,
        size: int | None = 224,
        mode: CropMode = "random",
        resize: int | None = None,
        flip: bool = False,
        transforms: Sequence[A.BasicTransform] = (),
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.num = COUNTS.get(mode, 1) if num is None else num
        check_numbers(self.num, size, mode, max_pixels)
        self.size, self.mode, self.resize, self.max_pixels = size, mode, resize, max_pixels
        steps = [A.HorizontalFlip(p=0.5)] if flip else []
        if mode == "random":
            steps = [A.RandomCrop(size, size), *steps]
        self.compose = A.Compose([*steps, *transforms])

    @property
    def differ(self) -> bool:
        """Whether the crops of two images differ in number or size, and share no batch."""
        return self.size is None or self.mode == "tiles"

    def __call__(self, images: Mapping[str, Image], seed: int) -> dict[str, Image]:
        """Returns the crops of each image, :math:`(P, H, W, 3)`, under its name.

        The images are views of one scene, :math:`(H, W, 3)`, all of one size; one is named ``image``.
        """
        views = {name: self.scaled(image) for name, image in images.items()}
        if self.mode == "random":
            sources = [views] * self.num
        else:
            sides = [views]
            if self.mode == "ten":
                sides.append({name: view[:, ::-1] for name, view in views.items()})
            sources = [
                {name: view[box] for name, view in side.items()}
                for side in sides
                for box in self._boxes(views["image"])
            ]
        drawn = self._draw(sources, seed) if len(self.compose) else sources
        return {name: np.stack([crop[name] for crop in drawn]) for name in views}

    def _draw(self, sources: Sequence[dict[str, Image]], seed: int) -> list[dict[str, Image]]:
        extra = [name for name in sources[0] if name != "image"]
        self.compose.add_targets({name: "image" for name in extra})
        # Albumentations keeps its own random state, which seed_everything does not reach, and
        # gives every transform the same one: a crop's position would foretell the next one's flip.
        self.compose.set_random_seed(seed)
        for number, transform in enumerate(self.compose.transforms):
            transform.set_random_seed(seed + number)
        return [self.compose(**views) for views in sources]

    def scaled(self, image: Image) -> Image:
        """Returns an image at the size at which it is cropped."""
        height, width = image.shape[:2]
        if self.mode == "full" and self.size is not None:
            return _resized(image, self.size, self.size)
        short = min(height, width)
        target = max(self.resize or short, self.size or 0)
        if target != short:
            height, width = (max(target, round(side * target / short)) for side in (height, width))
        if self.mode in ("full", "tiles"):
            height, width = fitted(height, width, self.size, self.max_pixels)
        return _resized(image, height, width)

    def _boxes(self, image: Image) -> list[tuple[slice, slice]]:
        if self.mode == "full" or self.size is None:
            return [np.s_[:, :]]
        boxes = corners(self.mode, self.num, self.size, *image.shape[:2])
        return [np.s_[top : top + self.size, left : left + self.size] for top, left in boxes]


def _resized(image: Image, height: int, width: int) -> Image:
    if image.shape[:2] == (height, width):
        return image
    shrinks = height * width < image.shape[0] * image.shape[1]
    kernel = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=kernel), np.uint8)


def check_crops(train: Crops, pairs: Mapping[str, Any], batch_size: int) -> None:
    """Raises where training's crops, a pair's own ones, and the batch do not fit each other."""
    if batch_size < 1:
        raise ValueError(f"data.batch_size is {batch_size}; set it to 1 or more.")
    if train.differ and batch_size > 1:
        fault, remedy = "Images differ in their number of tiles", "mode=grid"
        if train.size is None:
            fault, remedy = "Whole images differ in size", "size=224"
        raise ValueError(
            f"{fault} and cannot train in batches of {batch_size}. Set data.train_crops.{remedy}, "
            "or data.batch_size=1."
        )
    for name, pair in pairs.items():
        own = pair.crops
        if own is not None and not pair.aligned and (own.num, own.size) != (train.num, train.size):
            raise ValueError(
                f"data.pairs.{name}.crops gives {own.num} crops of {own.size} pixels, but "
                f"the images have {train.num} of {train.size}. Give both the same num and size."
            )
