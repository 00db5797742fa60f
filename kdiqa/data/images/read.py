"""From files to pixels, and a check of files that is cheap enough for all of them."""

import io
import struct
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from kdiqa.data.images import formats
from kdiqa.files.atomic import write

MISSING = "missing"
# Pillow raises the last two where a TIFF lacks a tag, or has one of another type.
FAULTS = (OSError, ValueError, SyntaxError, struct.error, cv2.error, KeyError, TypeError)
MAX_PIXELS = 178_956_970  # Pillow's own limit: a header of more is an attack, or damaged


class ImageReadError(RuntimeError):
    """A file of a data set that holds no image; its message names the file."""


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Returns the image in a file, :math:`(H, W, 3)` RGB in [0, 255], as a viewer shows it.

    Turned upright by its EXIF entry; grey, palette and CMYK become RGB; 16 bits become 8 by
    rounding; a transparent image is laid over white. A colour profile is not applied.

    Raises:
        ImageReadError: If the file is missing, cut short, damaged, animated, or no image.
    """
    try:
        data = path.read_bytes()
        if wrong := formats.fault(data):
            raise ValueError(wrong)
        _check_size(*formats.declared(data))
        image: NDArray[np.generic] | None
        if data.startswith(formats.JPEG):
            image = _read_jpeg(data)
        elif formats.is_plain_png(data) or formats.is_plain_bmp(data):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            image = None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        else:
            image = _read_any(data)
        if image is None:
            raise ValueError("its pixels cannot be decoded")
        return np.asarray(image, np.uint8)
    except (*FAULTS, Image.DecompressionBombError) as error:
        missing = isinstance(error, FileNotFoundError)
        advice = "Look at its path" if missing else "Unpack that file again"
        message = f"Cannot read the image '{path}': {_reason(error)}. {advice}."
        raise ImageReadError(message) from error


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


def _read_jpeg(data: bytes) -> NDArray[np.uint8]:
    height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    _check_size(width, height)
    if colours in ("YCbCr", "RGB", "Gray"):
        pixels = simplejpeg.decode_jpeg(data)  # a quarter faster than OpenCV
        return _upright(pixels, _orientation(data))
    simplejpeg.decode_jpeg(data, "CMYK")  # Pillow would pass over damage
    return _read_any(data)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(f"its header says {width}×{height} pixels, more than any photograph has")


def _orientation(data: bytes) -> int:
    """Returns how a JPEG's EXIF entry asks to turn or mirror it; 1: as it is."""
    if b"Exif\0\0" not in data[: formats.scan(data)]:
        return 1
    with Image.open(io.BytesIO(data)) as file:
        return file.getexif().get(ExifTags.Base.Orientation, 1)


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _read_any(data: bytes) -> NDArray[np.uint8]:
    """Returns the pixels of any file that Pillow reads."""
    with Image.open(io.BytesIO(data)) as file:
        frames = getattr(file, "n_frames", 1)
        if frames > 1:
            raise ValueError(f"it is animated, with {frames} frames")
        if file.mode in ("I", "F", "LAB"):
            raise ValueError(f"its pixels are of Pillow's mode {file.mode}, which is no RGB")
        orientation = file.getexif().get(ExifTags.Base.Orientation, 1)
        turned = orientation if file.format != "TIFF" else 1  # Pillow turns a TIFF by itself
        image = file if turned == 1 else ImageOps.exif_transpose(file)
        image.load()
        deep = _deep(data) if data.startswith((formats.PNG, b"II", b"MM")) else None
    if deep is not None:
        return _upright(deep, orientation)
    if image.mode.startswith("I;16"):
        raise ValueError("its 16 bits cannot be decoded")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def _deep(data: bytes) -> NDArray[np.uint8] | None:
    """Returns the pixels of a file of 16 bits, rounded, and laid over white; None of any other.

    Pillow drops the lower eight bits of all but grey.
    """
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        return None
    colours = np.atleast_3d(pixels.astype(np.float64) / 65535)
    if colours.shape[2] == 1:
        colours = colours.repeat(3, axis=2)
    if colours.shape[2] == 4:
        colours[..., :3] = 1 + (colours[..., :3] - 1) * colours[..., 3:]
    return np.rint(255 * colours[..., 2::-1]).astype(np.uint8)


def check_image(path: Path) -> str | None:
    """Returns what is wrong with a file by its first and last bytes, None when nothing is.

    Finds missing, empty and cut-short files without decoding: JPEG by its end-of-image marker, PNG
    by its IEND chunk, BMP by the size that its header implies.
    """
    try:
        with path.open("rb") as file:
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


def check_images(paths: Iterable[Path]) -> dict[Path, str]:
    """Returns the files that :func:`check_image` finds fault with, each with its fault."""
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(16) as pool:  # waits for the disk far more than it computes
        reasons = pool.map(check_image, unique, chunksize=64)
        return {path: reason for path, reason in zip(unique, reasons, strict=True) if reason}
