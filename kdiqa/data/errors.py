"""What is said of a data set that is not there, or not whole: composed in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule


class DatasetNotFoundError(FileNotFoundError):
    """A data set, or a part of it, is not where it was looked for.

    Args:
        data: The data module that looked.
        lack: What is wrong with the folder that was found; None when there is no folder.
    """

    def __init__(self, data: IQADataModule, lack: str | None = None) -> None:
        title = type(data).__name__
        place = f" Unpack it from {data.homepage}\nand set" if data.homepage else "\nSet"
        again = f"Unpack it there from\n{data.homepage}" if data.homepage else "Put it there"
        if data.root is None:
            message = (
                f"{title} has no folder: {data.setting} is not set.{place} "
                f"{data.setting}=/path/to/{data.name}, or KDIQA_DATA in the environment to the folder "
                f"that holds {data.name}."
            )
        else:
            wrong = f"{title} not found in" if lack is None else f"{title} {lack} in"
            message = (
                f"{wrong} '{data.root}'. {again}, or set {data.setting} "
                f"(now from {data.root_from}) to where it is."
            )
        super().__init__(message)


class BrokenImagesError(RuntimeError):
    """Files of a data set are empty or cut short.

    Args:
        data: The data module that looked.
        faults: Each such file with its fault.
    """

    def __init__(self, data: IQADataModule, faults: Mapping[Path, str]) -> None:
        first = [f"'{shown(path, data)}' ({fault})" for path, fault in list(faults.items())[:3]]
        more = ", …" if len(faults) > len(first) else ""
        source = f"Unpack them again from {data.homepage}"
        if not data.homepage:
            source = "Copy them there again, or take their rows out of the table."
        super().__init__(
            f"{len(faults)} image files of {type(data).__name__} in '{data.root}' cannot be read: "
            f"{', '.join(first)}{more}.\n{source}"
        )


class ScoresError(ValueError):
    """Opinion scores are not those of the data set they should be of.

    Args:
        data: The data module that read them.
        outside: Those outside the declared range.
        total: How many there are.
    """

    def __init__(self, data: IQADataModule, outside: Sequence[float], total: int) -> None:
        found = "there are none at all"
        if outside:
            found = f"{len(outside)} of {total} lie outside: "
            found += f"from {min(outside):g} to {max(outside):g}"
        lower, upper = data.mos_range
        super().__init__(
            f"{type(data).__name__} has opinion scores from {lower:g} to {upper:g}, but in "
            f"'{data.root}' {found}.\nRestore the authors' label file, from {data.homepage}"
        )


def shown(path: Path, data: IQADataModule) -> str:
    """Returns a path as a message names it: below the data set's folder, where it lies there."""
    below = data.root is not None and path.is_relative_to(data.root)
    return (path.relative_to(data.root) if below and data.root else path).as_posix()
