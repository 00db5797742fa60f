"""What a whole download holds: what a copy of it is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """A data set's own count and scores, on its authors' scale.

    Args:
        images: How many scored images its label files list.
        lowest: The lowest score.
        highest: The highest one.
        mean: Their mean.
        contents: How many references or scenes there are, where images share them.
    """

    images: int
    lowest: float
    highest: float
    mean: float
    contents: int | None = None
