"""Colours of an embedded ICC profile, as Display P3's or Adobe RGB's, in sRGB.

The rule: a profile of the pixels' own kind of colours (RGB, grey or CMYK) is obeyed, by LittleCMS,
with relative colorimetric intent and black point compensation. A profile that is sRGB's in
effect, moving no colour of a lattice by more than :data:`SAME` grey levels, leaves each pixel as
it is. So does one that is damaged or of another kind, as in browsers, and no profile means sRGB.
"""

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from kdiqa.data.images.deep import strips

SAME = 2
MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


@lru_cache(maxsize=16)
def transform(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """Returns a profile's mode (RGB, L or CMYK) and what turns it into sRGB; None for no change."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODES[source.profile.xcolor_space.strip()]
        result = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, KeyError):
        return None
    if mode == "CMYK":
        return mode, result
    lattice = _lattice(mode)
    moved = ImageCms.applyTransform(lattice, result)
    away = np.asarray(moved, np.int16) - np.asarray(lattice.convert("RGB"), np.int16)
    return (mode, result) if np.abs(away).max() > SAME else None


def _lattice(mode: str) -> Image.Image:
    """Returns colours that fill a space evenly, an image a pixel high."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    if mode == "L":
        return Image.fromarray(levels[None])
    return Image.fromarray(np.stack(np.meshgrid(*[levels] * 3), -1).reshape(1, -1, 3))


def to_srgb(pixels: NDArray[np.uint8], profile: bytes | None) -> NDArray[np.uint8]:
    """Returns pixels in sRGB, RGB :math:`(H, W, 3)` in [0, 255], the same array where nothing moves.

    Args:
        pixels: In the colours of their profile, likewise; grey has three equal channels.
        profile: Of RGB or of grey; None for sRGB.
    """
    mode, found = (profile and transform(profile)) or ("", None)
    grey = mode == "L" and bool((pixels == pixels[..., :1]).all())
    if found is None or not (mode == "RGB" or grey):
        return pixels
    result = np.empty_like(pixels)
    for rows in strips(*pixels.shape[:2]):
        strip = np.ascontiguousarray(pixels[rows, :, 0] if grey else pixels[rows])
        result[rows] = np.asarray(ImageCms.applyTransform(Image.fromarray(strip), found))
    return result


def from_inks(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Returns a CMYK image in sRGB: by its profile, or as Pillow does without one."""
    mode, found = (profile and transform(profile)) or ("", None)
    converted = ImageCms.applyTransform(image, found) if found and mode == "CMYK" else None
    return converted or image.convert("RGB")
