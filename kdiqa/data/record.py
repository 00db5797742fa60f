"""What is known of one scored image before it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Record:
    """One scored image.

    Args:
        image: Its file.
        mos: Its opinion score: in [0, 1], higher is better; as in the label file when a reader
            yields it.
        content: What it shows; images of one content never stand on two sides of a split.
        reference: The file of its pristine original, where there is one.
        distortion: The name or number of its distortion, where known.
        level: How strong that is, as the authors count.
        split: The authors' own part, ``train``, ``val`` or ``test``, where they give one.
    """

    image: Path
    mos: float
    content: str
    reference: Path | None = None
    distortion: str | None = None
    level: int | None = None
    split: str | None = None
