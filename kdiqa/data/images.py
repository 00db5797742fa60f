"""From files to pixels, and a look at files that is cheap enough to take at all of them."""

from __future__ import annotations

import io
import struct
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

JPEG, PNG, BMP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"
OTHERS = (b"GIF8", b"II*\0", b"MM\0*", b"RIFF")
MISSING = "missing"


class ImageReadError(RuntimeError):
    """A file of a data set that holds no picture; its message names the file."""


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Returns the picture in a file, :math:`(H, W, 3)` RGB in [0, 255], as a viewer shows it.

    Turned upright by its EXIF entry; grey, palette and CMYK become RGB; 16 bits become 8 by
    rounding; a transparent picture is laid over white.

    Raises:
        ImageReadError: If the file is missing, cut short, damaged, animated, or no image.
    """
    try:
        data = path.read_bytes()
        fault = _fault(data)
        if fault is not None:
            raise ValueError(fault)
        image: NDArray[np.generic] | None
        if data.startswith(JPEG):
            image = _read_jpeg(data)
        elif _is_plain_png(data) or _is_plain_bmp(data):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            image = None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        else:
            image = _read_any(data)
        if image is None:
            raise ValueError("its pixels cannot be decoded")
        return np.asarray(image, np.uint8)
    except (OSError, ValueError, SyntaxError, struct.error, cv2.error) as error:
        raise ImageReadError(
            f"Cannot read the image '{path}': {_reason(error)}. Unpack that file again."
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if "cannot identify image file" in str(error):
        return "its bytes are of no known image format"
    return str(error).strip().rstrip(".") or type(error).__name__


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Writes an image so that another process finds the whole file or none."""
    unfinished = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
    quick = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quick)[1]
    unfinished.write_bytes(data.tobytes())
    unfinished.replace(path)


def _read_jpeg(data: bytes) -> NDArray[np.uint8]:
    colours = simplejpeg.decode_jpeg_header(data)[2]
    if colours in ("YCbCr", "RGB", "Gray") and not _turned(data):
        return simplejpeg.decode_jpeg(data)  # a quarter faster than OpenCV
    return _read_any(data)


def _is_plain_png(data: bytes) -> bool:
    """Returns whether a file is an RGB PNG of 8 bits, without transparency, turn or animation."""
    chunks = (b"tRNS", b"acTL", b"eXIf")
    plain = data.startswith(PNG) and data[24:26] == b"\x08\x02"
    return plain and not any(chunk in data[:4096] for chunk in chunks)


def _is_plain_bmp(data: bytes) -> bool:
    """Returns whether a file is an uncompressed bitmap of 24 bits."""
    return data.startswith(BMP) and data[28:34] == b"\x18\0\0\0\0\0"


def _turned(data: bytes) -> bool:
    """Returns whether a JPEG's EXIF entry asks for a turn or a mirroring."""
    if b"Exif\0\0" not in data[:65536]:
        return False
    with Image.open(io.BytesIO(data)) as file:
        return file.getexif().get(ExifTags.Base.Orientation, 1) != 1


def _read_any(data: bytes) -> NDArray[np.uint8]:
    """Returns the pixels of any file that Pillow reads."""
    with Image.open(io.BytesIO(data)) as file:
        frames = getattr(file, "n_frames", 1)
        # A camera's MPO is a JPEG with a second view behind it; its first frame is the picture.
        if frames > 1 and file.format != "MPO":
            raise ValueError(f"it is animated, with {frames} frames")
        image = ImageOps.exif_transpose(file)
    if image.mode in ("I", "I;16", "I;16B", "I;16L"):
        grey = (np.asarray(image).astype(np.float64) / 257).round().clip(0, 255)
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


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
            if _flaw(head, file.read(), size) is None:
                return None
            file.seek(0)
            return _fault(file.read())
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


def _fault(data: bytes) -> str | None:
    """Returns what is wrong with a file by its bytes, None when nothing is."""
    head, size = data[:64], len(data)
    if _flaw(head, data[-64:], size) is None:
        return None
    # Some cameras and programs write on behind the picture's end.
    return _flaw(head, _behind_thumbnail(data), size)


def _flaw(head: bytes, tail: bytes, size: int) -> str | None:
    if size == 0:
        return "empty file"
    if head.startswith(JPEG):
        return None if b"\xff\xd9" in tail else "JPEG cut short, no end marker"
    if head.startswith(PNG):
        return None if b"IEND\xaeB`\x82" in tail else "PNG cut short, no IEND chunk"
    if head.startswith(BMP):
        expected = _bmp_size(head)
        return None if size >= expected else f"BMP cut short, {size} of {expected} bytes"
    if head.startswith(OTHERS):
        return None
    return "its bytes are of no known image format"


def _behind_thumbnail(data: bytes) -> bytes:
    """Returns the part of a JPEG from its first scan on, of any other file all of it.

    A camera's thumbnail has an end marker of its own, in the segments before the scan.
    """
    at = 2
    while data.startswith(JPEG) and data[at : at + 1] == b"\xff" and data[at + 1] != 0xDA:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return data[at:]


def _bmp_size(head: bytes) -> int:
    """Returns the bytes an uncompressed bitmap takes by its header; 54 when it is compressed.

    The header has a field for the size of the file, which programs fill in wrongly.
    """
    if len(head) < 54:
        return 54
    offset, _, width, height, _, bits, compression = struct.unpack("<IIiiHHI", head[10:34])
    return 54 if compression else offset + abs(height) * ((width * bits + 31) // 32 * 4)
