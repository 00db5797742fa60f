"""Looks into many image files at once, with a progress bar on the error stream."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from PIL import ExifTags, Image
from rich.console import Console
from rich.progress import track

from kdiqa.data.images.formats import FORMATS
from kdiqa.data.images.read import read_rgb

Found = TypeVar("Found")


class Decoded(NamedTuple):
    """What became of one image file."""

    size: tuple[int, int] = (0, 0)
    """Width and height in pixels, upright; zeros where there is a fault."""
    fault: str | None = None
    """Why it cannot be read, or None."""


def decode(path: Path) -> Decoded:
    """Returns the size of an image that was decoded whole, or its fault."""
    try:
        height, width = read_rgb(path).shape[:2]
    except Exception as error:  # a damaged file makes a decoder raise anything; all go on the list
        reason = str(error).removeprefix(f"Cannot read the image '{path}': ")
        reason = reason.removesuffix(". Unpack that file again.")
        return Decoded(fault=reason or type(error).__name__)
    return Decoded((width, height))


def measure(path: Path) -> tuple[int, int] | None:
    """Returns the width and height in an image's header, upright; None where there is none."""
    try:
        with Image.open(path, formats=FORMATS) as file:
            on_its_side = file.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
            return file.size[::-1] if on_its_side else file.size
    except Exception:  # as above
        return None


def decode_all(paths: Sequence[Path]) -> dict[Path, Decoded]:
    """Returns what became of each file, all decoded whole."""
    return dict(zip(paths, in_parallel(decode, paths, "Decoding"), strict=True))


def in_parallel(look: Callable[[Path], Found], paths: Sequence[Path], title: str) -> list[Found]:
    """Returns what ``look`` finds in each file, in the order of the files.

    In threads: the decoders let go of Python's lock while they work.
    """
    pool, errors = ThreadPoolExecutor(os.cpu_count()), Console(stderr=True)
    try:
        found = pool.map(look, paths)
        return list(track(found, title, len(paths), console=errors, transient=True))
    finally:  # after Ctrl-C nobody waits for those that have not begun
        pool.shutdown(cancel_futures=True)
