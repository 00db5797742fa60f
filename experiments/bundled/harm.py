"""How the pictures of a ladder are made: the 25 types of KADID-10k, and what cameras and web pages add.

Each type has five levels, the mildest first. Amounts of the four commonest types are drawn anew for
each picture that trains, so that a net meets all of them; levels of a test stay KADID-10k's own.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image as Pillow

from kdiqa.distortions.kadid import KADID, distort, find
from kdiqa.distortions.pixels import to_uint8

Image = NDArray[np.uint8]
DRAWN = {  # the commonest types: from which amount to which, evenly in its logarithm
    "gaussian_blur": (0.4, 6.0),  # pixels
    "jpeg": (90, 4),  # quality
    "jpeg2000": (12, 400),  # compression ratio
    "white_noise": (2e-4, 2e-2),  # variance
}
CAUSES = {  # what is wrong, in a word, of each type that has one
    **dict.fromkeys(("gaussian_blur", "lens_blur", "motion_blur"), "blur"),
    **dict.fromkeys(
        ("white_noise", "white_noise_ycbcr", "impulse_noise", "multiplicative_noise"), "noise"
    ),
    **dict.fromkeys(("jpeg", "jpeg2000", "webp", "avif"), "compression"),
    **dict.fromkeys(("darken", "underexposed"), "dark"),
    **dict.fromkeys(("brighten", "overexposed"), "bright"),
    "low_contrast": "low contrast",
    **dict.fromkeys(("colour_shift", "colour_diffusion", "saturation_hsv", "saturation_lab", "cast"), "colour"),
}  # fmt: skip


class Step(NamedTuple):
    """One picture of a ladder."""

    kind: str
    level: int
    image: Image


def coded(image: Image, name: str, quality: int) -> Image:
    """Returns what is left of a picture in a file of Pillow's format ``name``."""
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, name, quality=quality)
    return np.asarray(Pillow.open(file).convert("RGB"))


def exposed(image: Image, stops: float) -> Image:
    """Returns a picture exposed by so many stops more or less, clipped where it is full."""
    linear = (image / 255.0) ** 2.2 * 2.0**stops
    return np.rint(255 * np.clip(linear, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def cast(image: Image, strength: float, rng: Generator) -> Image:
    """Returns a picture with a cast: gains of red, green and blue that differ, equal luminance."""
    gains = np.exp(strength * np.array([[1, 0, -1], [-1, 0, 1], [0.6, -1, 0.6], [-0.6, 1, -0.6]]))
    tinted = image * gains[rng.integers(len(gains))]
    weights = np.array([0.299, 0.587, 0.114])
    tinted *= (image @ weights).mean() / max((tinted @ weights).mean(), 1e-6)
    return np.rint(np.clip(tinted, 0, 255)).astype(np.uint8)


def flat(image: Image, share: float) -> Image:
    """Returns a picture with so much of its contrast, around its mean."""
    mean = image.mean()
    return np.rint(mean + share * (image - mean)).clip(0, 255).astype(np.uint8)


Make = Callable[[Image, float, Generator], Image]
ADDED: dict[str, tuple[Make, tuple[float, ...]]] = {
    "webp": (lambda image, q, rng: coded(image, "WEBP", int(q)), (60, 35, 18, 7, 0)),
    "avif": (lambda image, q, rng: coded(image, "AVIF", int(q)), (55, 38, 24, 12, 2)),
    "underexposed": (lambda image, stops, rng: exposed(image, stops), (-0.7, -1.4, -2.2, -3.2, -4.5)),
    "overexposed": (lambda image, stops, rng: exposed(image, stops), (0.5, 1.0, 1.6, 2.3, 3.2)),
    "cast": (cast, (0.08, 0.16, 0.26, 0.4, 0.6)),
    "low_contrast": (lambda image, share, rng: flat(image, share), (0.75, 0.55, 0.38, 0.24, 0.12)),
}  # fmt: skip
KINDS = (*(kind.name for kind in KADID), *ADDED)


def ladder(image: Image, kind: str, rng: Generator, drawn: bool) -> Iterator[Step]:
    """Yields a picture at the five levels of a type, the mildest first.

    Args:
        image: RGB, :math:`(H, W, 3)`.
        kind: Of :data:`KINDS`.
        rng: Of all draws.
        drawn: Whether the amounts of the commonest types are drawn.
    """
    if kind in ADDED:
        make, amounts = ADDED[kind]
        for level, amount in enumerate(amounts, 1):
            yield Step(kind, level, make(image, amount, rng))
        return
    distortion = find(kind)
    if drawn and kind in DRAWN:
        first, last = np.log(DRAWN[kind])
        spread = np.sort(rng.uniform(0, 1, 5))
        levels = np.exp(first + (last - first) * spread)
        levels = np.rint(levels) if kind in ("jpeg", "jpeg2000") else levels
        distortion = replace(distortion, levels=tuple(levels.tolist()))
    for level in range(1, 6):
        harmed = distort(image / 255.0, distortion, level, rng, mapmm=False)
        yield Step(kind, level, to_uint8(harmed))
