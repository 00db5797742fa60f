"""What is known of one scored image before it is read."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One scored image.

    Args:
        image: Its file.
        mos: Its mean opinion score: in [0, 1], higher is better; as in the label file when a reader
            yields it.
        content: What it shows; images of one content never stand on two sides of a split.
        reference: The file of its pristine original, where there is one.
        distortion: The name or number of its distortion, where known, or of its source.
        level: How strong that is, as the authors count.
        split: The authors' own split, ``train``, ``val`` or ``test``, where they give one.
        folder: Of the file, where another file has its name: its own folder's name or, where that
            too is another's, its path below the data set's.
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
        name = os.path.basename(self.image)
        return f"{self.folder}/{name}" if self.folder else name


def uniquely_named(records: Sequence[Record], root: Path) -> list[Record]:
    """Returns the records, named by their folders too if not all have file names of their own.

    LIVE has an img1.bmp of each distortion. Elsewhere folders do not count, since copies of a data
    set differ in them.

    Args:
        records: Of a data set.
        root: Of its files; those that lie in folders of one name are named by their paths below it.

    Example:
        >>> files = ("jpeg/img1.bmp", "wn/img1.bmp", "more/wn/img1.bmp")
        >>> records = [Record(Path(file), 0.5, "bikes") for file in files]
        >>> [record.name for record in uniquely_named(records[:2], Path())]
        ['jpeg/img1.bmp', 'wn/img1.bmp']
        >>> [record.name for record in uniquely_named(records, Path())]
        ['jpeg/img1.bmp', 'wn/img1.bmp', 'more/wn/img1.bmp']
    """
    files = {os.fspath(record.image) for record in records}  # of paths, hashes take long
    if len({os.path.basename(file).casefold() for file in files}) == len(files):
        return list(records)
    named = [replace(record, folder=_folder(record.image)) for record in records]
    return told_apart(named, lambda record: below(record.image.parent, root))


def told_apart(records: Sequence[Record], folder_of: Callable[[Record], str]) -> list[Record]:
    """Returns the records, those whose name is another file's too with other folders in their names.

    Args:
        records: Named so far.
        folder_of: Returns what tells the files of one name apart; a dot for no folder.
    """
    first: dict[str, str] = {}
    shared = {
        name
        for name, file in ((r.name.casefold(), os.fspath(r.image)) for r in records)
        if first.setdefault(name, file) != file
    }
    return [
        replace(record, folder=_none_for_dot(folder_of(record)))
        if record.name.casefold() in shared
        else record
        for record in records
    ]


def _none_for_dot(folder: str) -> str | None:
    return None if folder == "." else folder


def _folder(file: Path) -> str:
    return os.path.basename(os.path.dirname(file))


def below(path: Path, root: Path) -> str:
    """Returns a path below a root, or all of it where it is not below it."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
