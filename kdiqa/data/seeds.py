"""Where the randomness of a reading comes from: sha256 of plain facts, never ``hash()``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

SeedMode = Literal["per_image", "per_epoch", "random"]


def derive_seed(*parts: int | str) -> int:
    """Returns a seed in [0, 2**63) of the parts, the same in every process and on every machine.

    Example:
        >>> derive_seed(0, "i01_01_1.bmp")
        8328071040843239331
        >>> derive_seed(0, "a", "b") == derive_seed(0, "ab")
        False
    """
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@dataclass(frozen=True)
class Draw:
    """The seeds of one reading of one image.

    Args:
        per_image: Of the run's seed and the image's file name: every reading repeats it.
        per_epoch: New in every epoch of training; in evaluation the same as ``per_image``, so that
            a score does not depend on when it was taken.
        random: New at every reading, in evaluation too.
    """

    per_image: int
    per_epoch: int
    random: int

    @classmethod
    def of(cls, seed: int, epoch: int, index: int, name: str, training: bool) -> Draw:
        """Returns the seeds for image ``name``, read in ``epoch`` at position ``index``."""
        fixed = derive_seed(seed, name.casefold())  # copies of a data set differ in letter case
        fresh = derive_seed(seed, epoch, index)
        return cls(fixed, fresh if training else fixed, fresh)

    def seed(self, mode: SeedMode, *purpose: int | str) -> int:
        """Returns the seed of a mode for one purpose, so that two purposes share no draw."""
        return derive_seed(getattr(self, mode), *purpose)
