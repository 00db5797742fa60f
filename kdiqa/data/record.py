"""What is known of one scored image before it is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Record:
    """One scored image.

    Args:
        image: Its file.
        mos: Its mean opinion score: in [0, 1], higher is better; as in the label file when a reader
            yields it.
        content: What it shows; images of one content never stand on two sides of a split.
        reference: The file of its pristine original, where there is one.
        distortion: The name or number of its distortion, where known.
        level: How strong that is, as the authors count.
        split: The authors' own split, ``train``, ``val`` or ``test``, where they give one.
        folder: The file's own folder, where a file of the same name lies in another.
        drawn: Distorts the pixels of its file, the pristine original, anew at every reading: takes
            them and a seed.
    """

    image: Path
    mos: float
    content: str
    reference: Path | None = None
    distortion: str | None = None
    level: int | None = None
    split: str | None = None
    folder: str | None = None
    drawn: Callable[..., Any] | None = None

    @property
    def name(self) -> str:
        """Its unique name, in seeds, digests and tables."""
        return f"{self.folder}/{self.image.name}" if self.folder else self.image.name


def uniquely_named(records: Sequence[Record]) -> list[Record]:
    """Returns the records, named by their folders too if not all have file names of their own.

    LIVE has an img1.bmp of each distortion. Elsewhere folders do not count, since copies of a data
    set differ in them.

    Example:
        >>> namesakes = [Record(Path(folder, "img1.bmp"), 0.5, "bikes") for folder in ("jpeg", "wn")]
        >>> [record.name for record in uniquely_named(namesakes)]
        ['jpeg/img1.bmp', 'wn/img1.bmp']
    """
    files = {record.image for record in records}
    if len({file.name.casefold() for file in files}) == len(files):
        return list(records)
    return [replace(record, folder=record.image.parent.name) for record in records]
