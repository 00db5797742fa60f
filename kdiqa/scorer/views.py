"""The crops of any image, cut from pixels in memory as in a run's evaluation."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from kdiqa.data.crops import Crops
from kdiqa.data.dataset import Cut, cut, to_tensor
from kdiqa.data.pairs.pairing import Pairing, Redistorted
from kdiqa.data.record import Record
from kdiqa.data.seeds import Draw
from kdiqa.runtime.words import check_word

Image = NDArray[np.uint8]
SeedBy = Literal["content", "name"]
MAX_PIXELS = 2**23
"""Of an image that is re-distorted whole, which takes about 140 bytes a pixel for a moment."""


class Views:
    """Cuts an image into the crops a net was evaluated on, with those of its second image.

    The same steps as :class:`kdiqa.data.dataset.IQADataset` in evaluation, with two differences.
    A pairing that draws anew at every reading is drawn once here: a score can be had again. And an
    image of more than ``max_pixels`` that is to be re-distorted whole is shrunk to them first.

    Args:
        crops: Of the test images.
        pairs: By name, what the image is paired with.
        seed: The run's, of crops and re-distortions.
        seed_by: What the draws follow from besides: ``content``, the decoded pixels, so that a
            copy of an image has its score; ``name``, the file's name, as in the run itself.
        max_pixels: See above.
        long_names: Those of the run's images that were told apart by their folders: ``wn/img1.bmp``.
    """

    def __init__(
        self,
        crops: Crops,
        pairs: Mapping[str, Pairing],
        seed: int,
        seed_by: SeedBy = "content",
        max_pixels: int = MAX_PIXELS,
        long_names: Collection[str] = (),
    ) -> None:
        check_word("seed_by", seed_by, SeedBy)
        self.crops: Any = crops  # a Crops, or whatever else cuts views alike
        self.seed, self.seed_by = seed, seed_by
        shown = {name: pair.evaluated() for name, pair in pairs.items()}
        self.pairs = {name: pair for name, pair in shown.items() if pair is not None}
        self.max_pixels = max_pixels
        self.long_names = {name.casefold() for name in long_names}

    def __call__(
        self, image: Image, name: str | Path | None = None, reference: Path | None = None
    ) -> dict[str, Tensor]:
        """Returns the crops by name, uint8, each :math:`(P, 3, H, W)`.

        Args:
            image: RGB, :math:`(H, W, 3)`.
            name: Where draws follow from names, that of the image in its data set, or its file.
            reference: The file of its pristine original, for a teacher's views.

        Raises:
            ValueError: If they do and there is none.
        """
        text = self.drawn_by(image, name)
        record = Record(Path(text), 0.0, text, reference)
        views = cut(self.bounded(image), record, self.crops, self.pairs, self.draw(text))
        return {key: to_tensor(crops) for key, crops in views.items()}

    def drawn_by(self, image: Image, name: str | Path | None = None) -> str:
        """Returns what the draws of an image follow from: its pixels' digest, or its name.

        Raises:
            ValueError: If it is the name and there is none.
        """
        if self.seed_by == "content":
            return content(image)
        if name is None:
            raise ValueError(
                "This scorer draws its crops by file name, and pixels have none. Give it a path,"
                " or load it with seed_by='content'."
            )
        return self.name_of(name) if isinstance(name, Path) else name

    def name_of(self, file: Path) -> str:
        """Returns what a run calls a file: by its name or, where another has that too, its folders."""
        parts = file.absolute().parts if self.long_names else file.parts
        names = ("/".join(parts[start:]) for start in range(1, len(parts) - 1))
        return next((name for name in names if name.casefold() in self.long_names), file.name)

    def draw(self, text: str) -> Draw:
        """Returns the seeds of an image by its :meth:`drawn_by`, the same at every reading."""
        fixed = Draw.of(self.seed, 0, 0, text, training=False)
        return Draw(fixed.per_image, fixed.per_epoch, fixed.per_image)

    def with_crops(self, crops: Cut) -> Views:
        """Returns views that cut an image otherwise, and do all else alike."""
        other = copy.copy(self)
        other.crops = crops
        return other

    def bounded(self, image: Image) -> Image:
        """Returns an image as it is cut: shrunk where it is to be re-distorted and too large."""
        pairs = self.pairs.values()
        heavy = any(isinstance(pair, Redistorted) and pair.where == "image" for pair in pairs)
        return shrunk(image, self.max_pixels) if heavy else image


def shrunk(image: Image, pixels: int) -> Image:
    """Returns an image of at most so many pixels, :math:`(H, W, 3)`; a small one as it is."""
    share = (pixels / (image.shape[0] * image.shape[1])) ** 0.5
    if share >= 1:
        return image
    size = tuple(max(1, int(side * share)) for side in image.shape[1::-1])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def content(image: Image) -> str:
    """Returns the sha256 of an image's size and pixels, whatever file they came from.

    Example:
        >>> content(np.zeros((2, 3, 3), np.uint8)) == content(np.zeros((3, 2, 3), np.uint8))
        False
    """
    hashed = hashlib.sha256(str(image.shape).encode())
    hashed.update(np.ascontiguousarray(image).data)
    return hashed.hexdigest()
