"""Looks into many image files at once, with a progress bar on the error stream."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import ExifTags, Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kdiqa.data.images.read import read_rgb

Found = TypeVar("Found")
ON_ITS_SIDE = (5, 6, 7, 8)  # values of EXIF's orientation that swap width and height


@dataclass(frozen=True)
class Decoded:
    """What became of one image file.

    Args:
        size: Width and height in pixels, upright; zeros where there is a fault.
        fault: Why it cannot be read, or None.
    """

    size: tuple[int, int] = (0, 0)
    fault: str | None = None


def decode(path: Path) -> Decoded:
    """Returns the size of an image that was decoded whole, or its fault."""
    try:
        height, width = read_rgb(path).shape[:2]
    except Exception as error:  # a damaged file makes a decoder raise anything; all go on the list
        reason = str(error).removeprefix(f"Cannot read the image '{path}': ")
        reason = reason.removesuffix(". Unpack that file again.")
        return Decoded(fault=reason or type(error).__name__)
    return Decoded((width, height))


def measure(path: Path) -> Decoded:
    """Returns the size that an image's header states, upright, without decoding it."""
    try:
        with Image.open(path) as file:
            width, height = file.size
            turned = file.getexif().get(ExifTags.Base.Orientation) in ON_ITS_SIDE
    except Exception as error:  # as above
        return Decoded(fault=str(error) or type(error).__name__)
    return Decoded((height, width) if turned else (width, height))


def decode_all(paths: Sequence[Path]) -> dict[Path, Decoded]:
    """Returns what became of each file, all decoded whole."""
    return dict(zip(paths, in_parallel(decode, paths, "Decoding"), strict=True))


def in_parallel(look: Callable[[Path], Found], paths: Sequence[Path], title: str) -> list[Found]:
    """Returns what ``look`` finds in each file, in the order of the files.

    In threads: the decoders let go of Python's lock while they work.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        with bar:
            return list(bar.track(pool.map(look, paths), len(paths), description=title))
    finally:  # after Ctrl-C nobody waits for those that have not begun
        pool.shutdown(cancel_futures=True)
