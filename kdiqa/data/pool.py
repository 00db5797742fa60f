"""Pristine pictures of something else: non-aligned references."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdiqa.data.crops import Crops
from kdiqa.data.images import read_rgb
from kdiqa.data.pairing import Pairing
from kdiqa.data.record import Record
from kdiqa.data.seeds import SeedMode, check_mode, derive_seed

Image = NDArray[np.uint8]
DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


class Pool(Pairing):
    """A pristine picture of something else, drawn from a folder: a non-aligned reference.

    Args:
        folder: Holds the pictures, at any depth; all of them count as pristine.
        crops: How they are cropped in training.
        seed_mode: ``per_epoch`` draws a new picture for each image in every epoch of training and
            always the same one in evaluation.
        bank: Pictures that validation and test draw from, the same ones for every image and every
            run; None draws from all.
        bank_seed: Which pictures those are. The choice goes by their names alone.
    """

    aligned = False

    def __init__(
        self,
        folder: str | Path,
        crops: Crops | None = None,
        seed_mode: SeedMode = "per_epoch",
        bank: int | None = None,
        bank_seed: int = 0,
    ) -> None:
        check_mode(seed_mode)
        self.folder = Path(folder).expanduser()
        self.crops = crops
        self.seed_mode = seed_mode
        self.bank = bank
        self.bank_seed = bank_seed
        pictures = (path for path in self.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        self.pictures = sorted(pictures, key=self._name)

    def __call__(self, image: Image, record: Record, seed: int) -> Image:
        """Returns one picture of the pool."""
        return read_rgb(self.pictures[derive_seed(seed) % len(self.pictures)])

    def check(self, records: Sequence[Record]) -> None:
        """Refuses an empty pool, and a bank that it does not hold."""
        if not self.pictures:
            raise ValueError(
                f"No picture in '{self.folder}' for non-aligned references. Unpack pristine "
                f"photographs there,\nfor instance DIV2K_train_HR from {DIV2K}\nor set pool to "
                "the folder where they are."
            )
        if self.bank is not None and not 1 <= self.bank <= len(self.pictures):
            raise ValueError(
                f"A bank of {self.bank} pictures cannot be chosen from the {len(self.pictures)} in "
                f"'{self.folder}'. Set bank to 1 to {len(self.pictures)}, or bank: null."
            )

    def files(self, records: Sequence[Record]) -> list[Path]:
        """Returns the pictures of the pool."""
        return self.pictures

    def evaluated(self) -> Pairing:
        """Returns this pool with the pictures of the bank alone, where there is one."""
        if self.bank is None:
            return self
        bank = copy.copy(self)
        order = sorted(self.pictures, key=lambda p: derive_seed(self.bank_seed, self._name(p)))
        bank.pictures = sorted(order[: self.bank], key=self._name)
        return bank

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()
