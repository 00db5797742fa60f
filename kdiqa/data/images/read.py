"""From files to pixels, and a check of files that is cheap enough for all of them."""

import io
import os
import struct
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from kdiqa.data.images import formats
from kdiqa.data.images.foreign import CONVERT, UnreadError, foreign
from kdiqa.data.images.pillow import (
    MAX_PIXELS,
    TooLargeError,
    check_size,
    opened,
    pixels_of,
    read_any,
)
from kdiqa.files.atomic import write
from kdiqa.files.plain import NotAFileError, open_plain

MISSING = "missing"
CHECKED = 128  # files that one thread looks at in turn
MARKS = (b"Exif\0\0", b"tiff:Orientation", b"ICC_PROFILE\0")  # what a JPEG says of its pixels
# Pillow raises the last two where a TIFF lacks a tag, or has one of another type.
FAULTS = (OSError, ValueError, SyntaxError, struct.error, KeyError, TypeError)


class ImageReadError(RuntimeError):
    """A file of a data set that holds no image; its message names the file."""


def read_rgb(path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Returns the image in a file, :math:`(H, W, 3)` RGB in [0, 255], as a viewer shows it.

    Turned upright by its EXIF or XMP entry; grey, palette and CMYK become RGB; 16 bits become 8 by
    rounding; a transparent image is laid over white; colours of an embedded profile become sRGB
    (:mod:`kdiqa.data.images.colour`); of a GIF or MPO, the first frame. At the most, 12 bytes a
    pixel are held while it is read, 19 of one of 16 bits with transparency.

    Args:
        path: Of the file.
        max_pixels: What is larger by its header is not decoded.

    Raises:
        ImageReadError: If the file is missing, no plain file, cut short, damaged, animated, too
            large, or no image.
    """
    try:
        with open_plain(path) as file:
            return _decoded(file.read(), max_pixels)
    except (*FAULTS, Image.DecompressionBombError) as error:
        message = f"Cannot read the image '{path}': {_reason(error)}. {_advice(error)}."
        raise ImageReadError(message) from error


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Returns the image in the bytes of a file, as :func:`read_rgb` does.

    Raises:
        ImageReadError: Likewise.
    """
    try:
        return _decoded(data, max_pixels)
    except (*FAULTS, Image.DecompressionBombError) as error:
        message = f"Cannot read an image from {len(data)} bytes: {_reason(error)}."
        raise ImageReadError(message) from error


def _decoded(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    if name := foreign(data[:64]):
        raise UnreadError(name)
    if wrong := formats.fault(data):
        raise ValueError(wrong)
    check_size(*formats.declared(data), max_pixels)
    if data.startswith(formats.JPEG):
        return _read_jpeg(data, max_pixels)
    return read_any(data, max_pixels)


def _advice(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotAFileError):
        return "Look at its path"
    if isinstance(error, TooLargeError):
        return f"Score it with kdiqa predict --max-megapixels {error.megapixels}"
    return CONVERT if isinstance(error, UnreadError) else "Unpack that file again"


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, KeyError | TypeError):
        return "its header is damaged"
    if "cannot identify image file" in str(error):
        return "its bytes are of no known image format"
    return str(error).strip().rstrip(".") or type(error).__name__


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    """Writes an image atomically, by its suffix; several processes may write the same one."""
    quick = [cv2.IMWRITE_PNG_COMPRESSION, 1] if path.suffix == ".png" else []
    data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quick)[1]
    write(path, data.tobytes(), cache=True)


def _read_jpeg(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    try:
        return _read_strictly(data, max_pixels)
    except ValueError as error:
        # Some webcams and programs pad with zeros, between segments or behind a scan's last bits.
        plain = formats.unpadded(data) if "extraneous bytes" in str(error) else data
        if len(plain) == len(data):
            raise
        return _read_strictly(plain, max_pixels)


def _read_strictly(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    check_size(width, height, max_pixels)
    if colours in ("YCbCr", "RGB", "Gray"):
        pixels = simplejpeg.decode_jpeg(data)  # a quarter faster than OpenCV
        head = data[: formats.scan(data)]
        if not any(word in head for word in MARKS):
            return pixels
        with opened(data, max_pixels) as file:
            return pixels_of(file, pixels)
    simplejpeg.decode_jpeg(data, "CMYK")  # Pillow would pass over damage
    return read_any(data, max_pixels)


def check_image(path: str | Path) -> str | None:
    """Returns what is wrong with a file by its first and last bytes, None when nothing is.

    Finds missing, empty and cut-short files without decoding: JPEG by its end-of-image marker, PNG
    by its IEND chunk, BMP by the size that its header implies.
    """
    try:
        with open_plain(path) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            head = file.read(64)
            file.seek(max(0, size - 64))
            if formats.flaw(head, file.read(), size) is None:
                return None
            file.seek(0)
            return formats.fault(file.read())
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return error.strerror or str(error)


def check_images(paths: Iterable[str | Path]) -> dict[Path, str]:
    """Returns the files that :func:`check_image` finds fault with, each with its fault."""
    unique = list(dict.fromkeys(os.fspath(path) for path in paths))
    parts = [unique[start : start + CHECKED] for start in range(0, len(unique), CHECKED)]
    with ThreadPoolExecutor(16) as pool:  # waits for the disk far more than it computes
        checked = pool.map(lambda part: [check_image(path) for path in part], parts)
        reasons = chain.from_iterable(checked)
        return {Path(path): why for path, why in zip(unique, reasons, strict=True) if why}
