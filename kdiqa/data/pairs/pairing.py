"""What an image is paired with: its reference, its re-distortion, or another image."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kdiqa.data.crops import Crops
from kdiqa.data.images.read import ImageReadError, read_rgb, write_image
from kdiqa.data.record import Record
from kdiqa.data.seeds import SeedMode
from kdiqa.runtime.words import check_word

Image = NDArray[np.uint8]
Where = Literal["image", "crop"]


class Distort(Protocol):
    """A re-distortion: an image and a seed in, an image of the same size out."""

    description: str

    def __call__(self, image: Image, seed: int) -> Image:
        """Returns the re-distorted image, :math:`(H, W, 3)`."""


class NoReferenceError(ValueError):
    """Images are to be paired with their pristine originals, and have none."""


class Pairing(ABC):
    """Gives each image a second one.

    Attributes:
        aligned: The second image shows the same scene pixel by pixel and is cropped at the same
            positions, with the same flips.
        crops: How a second image that is not aligned is cropped in training; by default, and
            always in evaluation, as the image itself, at positions of its own.
        where: Whether the second image is computed from the whole image or of each crop.
        seed_mode: What its randomness depends on, see :class:`kdiqa.data.seeds.Draw`.
        draws: It draws from images of its own, ``records()``, which are cached once each.
    """

    aligned: bool = True
    draws: bool = False
    crops: Crops | None = None
    where: Where = "image"
    seed_mode: SeedMode = "per_image"

    @abstractmethod
    def __call__(self, image: Image, record: Record, seed: int) -> Image:
        """Returns the second image of a record's ``image``, :math:`(H, W, 3)`."""

    def check(self, records: Sequence[Record]) -> None:  # noqa: B027  most fit any records
        """Raises ``ValueError`` where these records cannot be paired, before the work starts."""

    def files(self, records: Sequence[Record]) -> list[Path]:
        """Returns the files this will read in addition to the records' images."""
        return []

    def evaluated(self) -> Pairing | None:
        """Returns what pairs in validation and test; nothing where all images share a bank."""
        return self

    def references(self) -> list[Record] | None:
        """Returns the bank that evaluation compares every image with, if there is one."""
        return None


class Reference(Pairing):
    """The pristine original of each image.

    Args:
        aligned: Crops it where the image is cropped; otherwise at positions of its own, which makes
            it a non-aligned reference of similar content.
    """

    def __init__(self, aligned: bool = True) -> None:
        self.aligned = aligned

    def __call__(self, image: Image, record: Record, seed: int) -> Image:
        """Returns the pixels of the reference."""
        assert record.reference is not None, "check() has not been called"
        reference = read_rgb(record.reference)
        if reference.shape != image.shape:
            sizes = [f"{width}×{height}" for height, width, _ in (image.shape, reference.shape)]
            raise ValueError(
                f"'{record.image}' is {sizes[0]} and its reference '{record.reference}' "
                f"{sizes[1]}. Restore the authors' files: an aligned pair has one size."
            )
        return reference

    def check(self, records: Sequence[Record]) -> None:
        """Refuses records without a reference."""
        missing = [record for record in records if record.reference is None]
        if missing:
            raise NoReferenceError(
                f"{len(missing)} of {len(records)} images have no reference, the first is "
                f"'{missing[0].image.name}'. Take a data set with references\n(data=tid2013, "
                "data=kadid10k), or pair by kdiqa.data.pairs.pairing.Redistorted, which needs none."
            )

    def files(self, records: Sequence[Record]) -> list[Path]:
        """Returns the references."""
        return [record.reference for record in records if record.reference is not None]


class Redistorted(Pairing):
    """Each image, distorted once more.

    Args:
        pipeline: What distorts; a stable ``description`` keys the cache.
        seed_mode: ``per_image`` repeats one re-distortion of each image for ever, ``per_epoch``
            draws anew in training, ``random`` in evaluation too (the official code).
        where: ``image`` distorts the whole image and crops then; ``crop`` distorts each crop.
        aligned: Crops the re-distorted image where the image is cropped; otherwise at positions
            of its own (the official code).
        crops: How it is cropped in training when it is not aligned.
        cache: Folder for the re-distorted images, when they are the same in every epoch.
    """

    def __init__(
        self,
        pipeline: Distort,
        seed_mode: SeedMode = "per_image",
        where: Where = "image",
        aligned: bool = True,
        crops: Crops | None = None,
        cache: str | Path | None = None,
    ) -> None:
        check_word("seed_mode", seed_mode, SeedMode)
        check_word("where", where, Where)
        if where == "crop" and not aligned:
            raise ValueError(
                "Re-distorted crops are aligned with the crops they are computed from, here aligned: "
                "false. Set where: image, or aligned: true."
            )
        if cache is not None and (seed_mode != "per_image" or where == "crop"):
            raise ValueError(
                "Only a re-distortion that stays the same can be cached, here seed_mode: "
                f"{seed_mode}, where: {where}.\nSet seed_mode: per_image and where: image, "
                "or cache: null."
            )
        self.pipeline, self.seed_mode, self.where = pipeline, seed_mode, where
        self.aligned, self.crops = aligned, crops
        self.cache = None if cache is None else Path(cache)

    def __call__(self, image: Image, record: Record, seed: int) -> Image:
        """Returns the image, distorted once more."""
        if self.cache is None:
            return self.pipeline(image, seed)
        path = self.cached_path(record, seed)
        with suppress(ImageReadError):  # not there yet, or cut or altered: its checksums tell
            return read_rgb(path)
        second = self.pipeline(image, seed)
        write_image(path, second)
        return second

    def check(self, records: Sequence[Record]) -> None:
        """Creates the folder of the cache."""
        try:
            if self.cache is not None:
                self.cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"No folder can be created at '{self.cache}' for re-distorted images: "
                f"{error.strerror}. Set cache to one that can be written, or cache: null."
            ) from error

    def cached_path(self, record: Record, seed: int) -> Path:
        """Returns the cache's file of an image's re-distortion."""
        assert self.cache is not None
        # By the file's bytes: its time changes when a data set is copied to a node's own disk.
        content = hashlib.sha256(record.image.read_bytes()).hexdigest()
        text = f"{self.pipeline.description}|{seed}|{content}"
        return self.cache / f"{hashlib.sha256(text.encode()).hexdigest()}.png"


class ReferenceOrRedistorted(Pairing):
    """The reference of an image that has one, the re-distortion of one that has none."""

    def __init__(self, redistorted: Redistorted) -> None:
        if redistorted.where == "crop":
            raise ValueError(
                "A reference is cropped from the whole image, and so must be what stands in for "
                "it, here where: crop. Set where: image."
            )
        self.reference, self.redistorted = Reference(), redistorted
        self.aligned, self.crops = redistorted.aligned, redistorted.crops
        self.seed_mode = redistorted.seed_mode

    def __call__(self, image: Image, record: Record, seed: int) -> Image:
        """Returns the reference or, without one, the image distorted once more."""
        source: Pairing = self.reference if record.reference else self.redistorted
        return source(image, record, seed)

    def check(self, records: Sequence[Record]) -> None:
        """Creates the folder of the cache."""
        self.redistorted.check(records)

    def files(self, records: Sequence[Record]) -> list[Path]:
        """Returns the references there are."""
        return self.reference.files(records)


def given(pairs: Mapping[str, Pairing | None] | None) -> dict[str, Pairing]:
    """Returns the pairings there are."""
    return {name: pairing for name, pairing in (pairs or {}).items() if pairing is not None}
