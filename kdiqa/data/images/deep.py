"""Files of 16 bits to pixels of 8, by their tags: what Pillow would cut off, mix up or refuse."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from kdiqa.data.images.foreign import UnreadError
from kdiqa.data.images.formats import PNG

STRIP = 2**20  # pixels that are converted at once: intermediates take far more than the image
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK = 0, 1, 2, 5  # TIFF's photometric interpretations
RAW = (32803, 34892)  # the same tag in cameras' raw files: a colour filter array, linear raw
OTHERS = {3: "palette", CMYK: "CMYK", 6: "YCbCr", 8: "CIELAB", 9: "ICCLAB", 10: "ITULAB"}
SAMPLES = {2: "signed integers", 3: "floating point", 4: "undefined", 5: "complex integers",
    6: "complex"}  # fmt: skip
PREMULTIPLIED, STRAIGHT = 1, 2  # of TIFF's extra samples; all others are no transparency
PACKINGS = {1: "none", 5: "LZW", 8: "deflate", 32946: "deflate", 32773: "PackBits"}
PAGES = 100  # that are looked at: damaged, one leads to thousands
DNG_VERSION, ORIENTATION, XMP, REDUCED = 50706, 274, 700, 1

# What it remarks on a damaged file comes as an error of ours.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


class Tiff:
    """The first image of a TIFF or BigTIFF, by its tags.

    Args:
        data: The bytes of the file.

    Attributes:
        size: Width and height in pixels, as stored.
        deep: Whether its samples have 16 bits, and :meth:`pixels` reads it.
        orientation: 1 to 8, how it asks to be turned; 1: as it is.
        profile: Its ICC profile, if it has one.

    Raises:
        ValueError: If it has several images, is a camera's raw file, or has samples that are not
            read; its message says which.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        with _opened(data) as file, _named("its header is damaged"):
            page = file.pages[0]
            pages = islice(file.pages, PAGES)
            count = sum(1 for other in pages if not other.subfiletype & REDUCED)
            tag, xmp = page.tags.get(ORIENTATION), page.tags.get(XMP)
            packet = xmp.value if xmp is not None and isinstance(xmp.value, bytes) else b""
            in_xmp = re.search(rb'tiff:Orientation(?:="|>)([0-9])', packet)
            self.orientation = int(tag.value if tag else in_xmp[1] if in_xmp else 1)
            if page.subfiletype & REDUCED or DNG_VERSION in page.tags or page.photometric in RAW:
                raise UnreadError("it is a camera's raw file, which is not read")
            if count > 1:
                raise ValueError(
                    f"it is animated, with {count} frames{' or more' * (count == PAGES)}"
                )
            if page.sampleformat != 1:
                name = SAMPLES.get(int(page.sampleformat), f"of format {page.sampleformat}")
                raise UnreadError(f"its samples are {name}, and unsigned integers are read")
            if page.bitspersample not in (1, 2, 4, 8, 16):
                raise UnreadError(
                    f"its samples have {page.bitspersample} bits, and 8 or 16 are read"
                )
            self.deep = page.bitspersample == 16
            self.size = int(page.imagewidth), int(page.imagelength)
            self.profile = bytes(page.iccprofile) if page.iccprofile else None
            self._extra = [int(kind) for kind in page.extrasamples]
            self._photometric = int(page.photometric)
            if self.deep:
                self._check(page)

    def pixels(self) -> NDArray[np.uint8]:
        """Returns the pixels of 16 bits in 8, :math:`(H, W, 3)`, as they are stored: not turned."""
        with _opened(self._data) as file, _named("its pixels cannot be decoded"):
            page = file.pages[0]
            width, height = self.size
            samples = page.asarray()
            if page.planarconfig == 2:
                samples = np.moveaxis(samples.reshape(-1, height, width), 0, -1)
            samples = samples.reshape(height, width, -1)
        alpha = self._extra[0] if self._extra else 0
        channels = samples.shape[2] - (
            bool(self._extra) and alpha not in (PREMULTIPLIED, STRAIGHT)
        )
        inverted = self._photometric == WHITE_IS_ZERO
        return to_8_bits(samples[..., :channels], alpha == PREMULTIPLIED, inverted)

    def _check(self, page: Any) -> None:
        """Raises ``ValueError`` for samples of 16 bits that are not read, or not all there."""
        colours = 3 if self._photometric == RGB else 1
        if self._photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
            name = OTHERS.get(self._photometric, f"of photometric kind {self._photometric}")
            raise UnreadError(f"its 16 bits are {name}, and grey and RGB are read")
        if page.samplesperpixel not in (colours, colours + 1) or len(self._extra) > 1:
            raise UnreadError(
                f"it has {page.samplesperpixel} channels of 16 bits, and {colours} are read, or"
                f" {colours + 1} with transparency"
            )
        self._extra = self._extra if page.samplesperpixel > colours else []
        if int(page.compression) not in PACKINGS:
            packings = ", ".join(dict.fromkeys(PACKINGS.values()))
            name = getattr(page.compression, "name", page.compression)
            raise UnreadError(f"its 16 bits are packed by {name}, and {packings} are read")
        parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        if not parts or any(n <= 0 or at + n > len(self._data) for at, n in parts):
            raise ValueError("TIFF cut short, not all of its pixels are there")


def _opened(data: bytes) -> Any:
    from tifffile import TiffFile  # takes 0.3 s, which most folders never need

    with _named("its header is damaged"):
        return TiffFile(io.BytesIO(data))


@contextmanager
def _named(reason: str) -> Iterator[None]:
    """Names what a decoder raises; a damaged file makes it raise anything."""
    try:
        yield
    except ValueError as error:
        raise (
            error if type(error) in (ValueError, UnreadError) else ValueError(reason)
        ) from error
    except Exception as error:
        raise ValueError(reason) from error


def is_deep_png(data: bytes) -> bool:
    """Returns whether a file is a PNG of 16 bits, by its header."""
    return data.startswith(PNG) and data[24:25] == b"\x10"


def png_pixels(data: bytes) -> NDArray[np.uint8]:
    """Returns the pixels of a PNG of 16 bits in 8, :math:`(H, W, 3)`, its transparency over white.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        samples = imagecodecs.png_decode(data)
    except imagecodecs.PngError as error:
        raise ValueError("its pixels cannot be decoded") from error
    return to_8_bits(np.atleast_3d(samples))


def to_8_bits(
    samples: NDArray[np.uint16], premultiplied: bool = False, inverted: bool = False
) -> NDArray[np.uint8]:
    """Returns samples of 16 bits in 8, rounded once, RGB :math:`(H, W, 3)`.

    Args:
        samples: :math:`(H, W, C)` in [0, 65535]: grey or RGB, alone or with an alpha behind, by
            which they are laid over white.
        premultiplied: Whether the colours are multiplied by the alpha already.
        inverted: Whether white is zero.
    """
    height, width, channels = samples.shape
    result = np.empty((height, width, 3), np.uint8)
    for rows in strips(height, width):
        values = samples[rows].astype(np.float64) / 65535
        colours = values[..., : channels - (channels % 2 == 0)]
        if inverted:
            colours = 1 - colours
        if channels % 2 == 0:
            alpha = values[..., -1:]
            colours = (colours if premultiplied else colours * alpha) + 1 - alpha
        result[rows] = np.rint(255 * colours.clip(0, 1))
    return result


def strips(height: int, width: int) -> Iterator[slice]:
    """Yields rows of an image that are converted at once."""
    step = max(1, STRIP // width)
    for top in range(0, height, step):
        yield slice(top, min(height, top + step))
