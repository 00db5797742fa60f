"""Images of any format, by Pillow, or of colours in 16 bits by OpenCV, with little memory besides their pixels."""

import io
import math
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from kdiqa.data.images.formats import PNG

MAX_PIXELS = 100_000_000  # no camera takes more: a header of more is an attack, or damaged
BITS_PER_SAMPLE = 258  # TIFF's tag
STRIP = 2**20  # pixels that are converted at once: intermediates take far more than the image


class TooLargeError(ValueError):
    """An image has more pixels than are read.

    Args:
        width: By its header, in pixels.
        height: Likewise.
        most: Pixels that are read.
    """

    def __init__(self, width: int, height: int, most: int) -> None:
        self.megapixels = math.ceil(width * height / 1e6)
        super().__init__(
            f"its header says {width}×{height} pixels, and more than {most / 1e6:g} megapixels are"
            " not read"
        )


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raises ``TooLargeError`` where an image has more pixels than are read."""
    if width * height > max_pixels:
        raise TooLargeError(width, height, max_pixels)


def read_any(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """Returns the pixels of any file that Pillow reads; of 16 bits in colour, OpenCV's."""
    tiff = data.startswith((b"II", b"MM"))  # which Pillow turns by itself
    with _opened(data, max_pixels) as file:
        frames = getattr(file, "n_frames", 1)
        if frames > 1:
            raise ValueError(f"it is animated, with {frames} frames")
        if file.mode in ("I", "F", "LAB"):
            raise ValueError(f"its pixels are of Pillow's mode {file.mode}, which is no RGB")
        orientation = file.getexif().get(ExifTags.Base.Orientation, 1)
        grey = file.mode.startswith("I;16")
        deep = _bits(data, file) == 16 and not grey
        file.load()
        if not deep:
            pixels = _grey(file) if grey else _over_white(file)
            return pixels if tiff else upright(pixels, orientation)
    if (deep_pixels := _deep(data)) is None:
        raise ValueError("its 16 bits cannot be decoded")
    return upright(deep_pixels, orientation)


def _bits(data: bytes, file: Image.Image) -> int:
    """Returns the bits of a sample by the header of a PNG or a TIFF; 0 of any other file."""
    if data.startswith(PNG):
        return data[24]
    tags: Any = getattr(file, "tag_v2", {})
    return max(tags.get(BITS_PER_SAMPLE, (0,)), default=0)


def _grey(file: Image.Image) -> NDArray[np.uint8]:
    """Returns the pixels of a grey image of 16 bits, rounded."""
    result = np.empty((file.height, file.width, 3), np.uint8)
    for rows in _strips(file.height, file.width):
        strip = np.asarray(file.crop((0, rows.start, file.width, rows.stop)))
        result[rows] = np.rint(255 * (strip.astype(np.float64) / 65535)).astype(np.uint8)[
            ..., None
        ]
    return result


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    """Returns a file's header as Pillow reads it, once its size has been looked at."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # the limit is ours
    try:
        file = Image.open(io.BytesIO(data))
    finally:
        Image.MAX_IMAGE_PIXELS = before
    check_size(*file.size, max_pixels)
    return file


def _over_white(file: Image.Image) -> NDArray[np.uint8]:
    """Returns an image's colours, laid over white where it is transparent."""
    result = np.empty((file.height, file.width, 3), np.uint8)
    for rows in _strips(file.height, file.width):
        strip = file.crop((0, rows.start, file.width, rows.stop))
        if strip.has_transparency_data:
            strip = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
        result[rows] = np.asarray(strip.convert("RGB"))
    return result


def _strips(height: int, width: int) -> Iterator[slice]:
    """Yields rows of an image that are converted at once."""
    step = max(1, STRIP // width)
    for top in range(0, height, step):
        yield slice(top, min(height, top + step))


def _deep(data: bytes) -> NDArray[np.uint8] | None:
    """Returns colours of 16 bits, rounded, and laid over white; None where they cannot be decoded.

    The only files that OpenCV is given: Pillow drops the lower eight bits of all but grey.
    """
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        return None
    result = np.empty((*pixels.shape[:2], 3), np.uint8)
    for rows in _strips(*pixels.shape[:2]):
        colours = np.atleast_3d(pixels[rows].astype(np.float64) / 65535)
        if colours.shape[2] == 1:
            colours = colours.repeat(3, axis=2)
        if colours.shape[2] == 4:
            colours[..., :3] = 1 + (colours[..., :3] - 1) * colours[..., 3:]
        result[rows] = np.rint(255 * colours[..., 2::-1]).astype(np.uint8)
    return result


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Returns pixels turned and mirrored as an EXIF entry asks to."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
