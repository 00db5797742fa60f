"""What is known of a data set before it is read, its errors, and the checks of labels and files."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kdiqa.data.images.read import MISSING, check_images
from kdiqa.data.record import Record


@dataclass(frozen=True)
class Facts:
    """A complete download's own count of scored images and their scores, on its authors' scale."""

    images: int
    lowest: float
    highest: float
    mean: float
    contents: int | None = None  # how many references or scenes, where images share them


@dataclass(frozen=True)
class Source:
    """A data set's names and where it lies: what messages need."""

    title: str
    name: str  # of its folder
    homepage: str  # where it comes from; empty for a user's own images
    mos_range: tuple[float, float]  # the declared scale of its scores
    root: Path | None  # where it was looked for; None where nothing says so
    setting: str  # the word that says so on a command line
    root_from: str  # what said so this time

    def shown(self, path: Path) -> str:
        """Returns a path as a message names it: below the root, where it lies there."""
        below = self.root is not None and path.is_relative_to(self.root)
        return (path.relative_to(self.root) if below and self.root else path).as_posix()

    def check_labels(self, records: Sequence[Record]) -> None:
        """Raises ``ScoresError`` unless all authors' scores lie in the declared range."""
        lower, upper = self.mos_range
        outside = [record.mos for record in records if not lower <= record.mos <= upper]
        if outside or not records:
            raise ScoresError(self, outside, len(records))

    def check_files(self, paths: Iterable[Path]) -> None:
        """Raises ``DatasetNotFoundError`` or ``BrokenImagesError`` unless all files are complete."""
        unique = sorted({os.fspath(path) for path in paths})
        faults = check_images(unique)
        missing = [path for path, fault in faults.items() if fault == MISSING]
        if missing:
            lack = f"lacks {len(missing)} of {len(unique)} images"
            raise DatasetNotFoundError(self, f"{lack}, the first is '{self.shown(missing[0])}'")
        if faults:
            raise BrokenImagesError(self, faults)


class DatasetNotFoundError(FileNotFoundError):
    """A data set, or a part of it (``lack``), is not where it was looked for."""

    def __init__(self, source: Source, lack: str | None = None) -> None:
        page = source.homepage
        if source.root is None:
            unpack = f" Unpack it from {page}\nand set" if page else "\nSet"
            message = (
                f"{source.title} has no folder: {source.setting} is not set.{unpack} "
                f"{source.setting}=/path/to/{source.name}, or KDIQA_DATA in the environment to the "
                f"folder that holds {source.name}."
            )
        else:
            unpack = f"Unpack it there from\n{page}" if page else "Put it there"
            message = (
                f"{source.title} {'not found' if lack is None else lack} in '{source.root}'. "
                f"{unpack}, or set {source.setting} (now from {source.root_from}) to where it is."
            )
        super().__init__(message)


class BrokenImagesError(RuntimeError):
    """Files of a data set are empty or cut short, each with its fault."""

    def __init__(self, source: Source, faults: Mapping[Path, str]) -> None:
        first = [f"'{source.shown(path)}' ({fault})" for path, fault in list(faults.items())[:3]]
        more = ", …" if len(faults) > len(first) else ""
        remedy = f"Unpack them again from {source.homepage}"
        if not source.homepage:
            remedy = "Copy them there again, or take their rows out of the table."
        super().__init__(
            f"{len(faults)} image files of {source.title} in '{source.root}' cannot be read: "
            f"{', '.join(first)}{more}.\n{remedy}"
        )


class ScoresError(ValueError):
    """Scores of a data set lie outside its declared range, or there are none."""

    def __init__(self, source: Source, outside: Sequence[float], total: int) -> None:
        fault = "there are none at all"
        if outside:
            ends = f"from {min(outside):g} to {max(outside):g}"
            fault = f"{len(outside)} of {total} lie outside: {ends}"
        lower, upper = source.mos_range
        super().__init__(
            f"{source.title} has scores from {lower:g} to {upper:g}, but in "
            f"'{source.root}' {fault}.\nRestore the authors' label file, from {source.homepage}"
        )
