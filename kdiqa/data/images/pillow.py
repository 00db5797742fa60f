"""Images of any format and of Pillow's, with little memory besides their pixels."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from kdiqa.data.images.colour import from_inks, to_srgb
from kdiqa.data.images.deep import Tiff, is_deep_png, png_pixels, strips, to_8_bits
from kdiqa.data.images.foreign import UnreadError
from kdiqa.data.images.formats import FORMATS, TIFF

MAX_PIXELS = 100_000_000  # no camera takes more: a header of more is an attack, or damaged
FIRST = ("GIF", "MPO")  # of several frames the first is the picture; others are refused


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
    """Returns the pixels of any file that is read, as a viewer shows it."""
    tiff = Tiff(data) if data.startswith(TIFF) else None
    if tiff is not None and tiff.deep:
        check_size(*tiff.size, max_pixels)
        return upright(to_srgb(tiff.pixels(), tiff.profile), tiff.orientation)
    with opened(data, max_pixels) as file:
        frames = 1 if tiff or file.format in FIRST else getattr(file, "n_frames", 1)
        if frames > 1:
            raise ValueError(f"it is animated, with {frames} frames")
        file.load()
        return pixels_of(file, png_pixels(data) if is_deep_png(data) else None)


def opened(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Returns a file's header as Pillow reads it, once its size has been looked at."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # the limit is ours
    try:
        file = Image.open(io.BytesIO(data), formats=FORMATS)
    finally:
        Image.MAX_IMAGE_PIXELS = before
    check_size(*file.size, max_pixels)
    return file


def pixels_of(image: Image.Image, pixels: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Returns the pixels of a Pillow image of any mode, RGB :math:`(H, W, 3)`, as a viewer shows it.

    Laid over white where it is transparent, turned by its EXIF or XMP entry, in sRGB.

    Args:
        image: With what it says of its pixels.
        pixels: Where Pillow's own are not right, in their place.

    Raises:
        UnreadError: If its numbers are no colours.
    """
    if image.mode in ("F", "LAB") or (image.mode == "I" and image.format != "PPM"):
        raise UnreadError(f"its pixels are of Pillow's mode {image.mode}, which is no RGB")
    profile = image.info.get("icc_profile")
    result = to_srgb(_over_white(image, profile) if pixels is None else pixels, profile)
    return upright(result, image.getexif().get(ExifTags.Base.Orientation, 1))


def _over_white(image: Image.Image, profile: bytes | None) -> NDArray[np.uint8]:
    """Returns an image's colours, laid over white where it is transparent."""
    result = np.empty((image.height, image.width, 3), np.uint8)
    for rows in strips(image.height, image.width):
        strip = image.crop((0, rows.start, image.width, rows.stop))
        if strip.mode.startswith("I"):
            samples = np.asarray(strip).astype(np.uint16)
            result[rows] = to_8_bits(samples[..., None])
            continue
        if strip.has_transparency_data:
            strip = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
        inks = strip.mode == "CMYK"
        result[rows] = np.asarray(from_inks(strip, profile) if inks else strip.convert("RGB"))
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
