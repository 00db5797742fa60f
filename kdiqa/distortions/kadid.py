"""The 25 distortions of KADID-10k, five levels each, in the order and numbering of its files.

References:
    | KADID-10k: A Large-scale Artificially Distorted IQA Database (Lin et al., 2019)
    | https://doi.org/10.1109/QoMEX.2019.8743252
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from kdiqa.distortions import blur, brightness, colour, compression, noise, sharpness, spatial
from kdiqa.distortions.pixels import Image, stretch


@dataclass(frozen=True)
class Distortion:
    """One type: how to apply it to an image :math:`(H, W, 3)` in [0, 1], at five amounts.

    A higher level is worse, except in the two-sided types 18 and 25.
    """

    id: int  # from 1 to 25, as in the file names Ixx_tt_ll
    name: str  # unique, in lower case
    group: str  # blur, colour, compression, noise, brightness, spatial or sharpness
    levels: tuple[float, float, float, float, float]  # the amounts of levels 1 to 5
    apply: Callable[[Image, float, Generator], Image]

    def amount(self, level: int) -> float:
        """Returns the amount of a level, 1 to 5; raises ``ValueError`` for any other."""
        if level not in (1, 2, 3, 4, 5):
            raise ValueError(f"{self.name} has levels 1 to 5, not {level!r}.")
        return self.levels[level - 1]


# fmt: off
KADID: tuple[Distortion, ...] = (
    Distortion(1, "gaussian_blur", "blur", (0.1, 0.5, 1, 2, 5), blur.gaussian_blur),
    Distortion(2, "lens_blur", "blur", (1, 2, 4, 6, 8), blur.lens_blur),
    Distortion(3, "motion_blur", "blur", (1, 2, 4, 6, 10), blur.motion_blur),
    Distortion(4, "colour_diffusion", "colour", (1, 3, 6, 8, 12), colour.colour_diffusion),
    Distortion(5, "colour_shift", "colour", (1, 3, 6, 8, 12), colour.colour_shift),
    Distortion(6, "colour_quantisation", "colour", (64, 48, 32, 16, 8),
               colour.colour_quantisation),
    Distortion(7, "saturation_hsv", "colour", (0.4, 0.2, 0.1, 0, -0.4), colour.saturation_hsv),
    Distortion(8, "saturation_lab", "colour", (1, 2, 3, 6, 9), colour.saturation_lab),
    Distortion(9, "jpeg2000", "compression", (16, 32, 45, 120, 400), compression.jpeg2000),
    Distortion(10, "jpeg", "compression", (43, 36, 24, 7, 4), compression.jpeg),
    Distortion(11, "white_noise", "noise", (0.001, 0.002, 0.003, 0.005, 0.01), noise.white_noise),
    Distortion(12, "white_noise_ycbcr", "noise", (0.0001, 0.0005, 0.001, 0.002, 0.003),
               noise.white_noise_ycbcr),
    Distortion(13, "impulse_noise", "noise", (0.001, 0.005, 0.01, 0.02, 0.03),
               noise.impulse_noise),
    Distortion(14, "multiplicative_noise", "noise", (0.001, 0.005, 0.01, 0.02, 0.05),
               noise.multiplicative_noise),
    Distortion(15, "denoise", "noise", (0.01, 0.03, 0.05, 0.1, 0.15), noise.denoise),
    Distortion(16, "brighten", "brightness", (0.1, 0.2, 0.4, 0.7, 1.1), brightness.brighten),
    Distortion(17, "darken", "brightness", (0.05, 0.1, 0.2, 0.4, 0.8), brightness.darken),
    Distortion(18, "mean_shift", "brightness", (0.15, 0.08, 0, -0.08, -0.15),
               brightness.mean_shift),
    Distortion(19, "jitter", "spatial", (0.05, 0.1, 0.2, 0.5, 1), spatial.jitter),
    Distortion(20, "non_eccentricity_patch", "spatial", (20, 40, 60, 80, 100),
               spatial.non_eccentricity_patch),
    Distortion(21, "pixelate", "spatial", (0.01, 0.05, 0.1, 0.2, 0.5), spatial.pixelate),
    Distortion(22, "quantisation", "spatial", (20, 16, 13, 10, 7), spatial.quantisation),
    Distortion(23, "colour_block", "spatial", (2, 4, 6, 8, 10), spatial.colour_block),
    Distortion(24, "high_sharpen", "sharpness", (1, 2, 3, 6, 12), sharpness.high_sharpen),
    Distortion(25, "contrast_change", "sharpness", (0.3, 0.15, 0, -0.4, -0.6),
               sharpness.contrast_change),
)
# fmt: on


def find(kind: int | str) -> Distortion:
    """Returns the distortion of a number from 1 to 25, or of a name.

    Example:
        >>> find("jpeg").levels
        (43, 36, 24, 7, 4)
    """
    for distortion in KADID:
        if kind in (distortion.id, distortion.name):
            return distortion
    names = ", ".join(f"{distortion.id} {distortion.name}" for distortion in KADID)
    raise ValueError(f"KADID-10k has no distortion {kind!r}. Give a number or a name of: {names}.")


def distort(
    image: Image, kind: int | str | Distortion, level: int, rng: Generator, mapmm: bool = True
) -> Image:
    """Returns the image under one type of distortion, in [0, 1], of the same shape and dtype.

    Args:
        image: RGB, :math:`(H, W, 3)`, float in [0, 1]; not modified.
        kind: The number, the name, or a distortion of your own.
        level: From 1 to 5.
        rng: Where every random draw comes from.
        mapmm: Stretch the image to [0, 1] before and after, by one minimum and maximum over all
            pixels and channels, as the authors' program does. It changes what the levels of
            brightness look like.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> image = rng.random((64, 64, 3))
        >>> worse = distort(image, "white_noise", 5, rng)
        >>> worse.shape, float(worse.min()), float(worse.max())
        ((64, 64, 3), 0.0, 1.0)
    """
    distortion = kind if isinstance(kind, Distortion) else find(kind)
    amount = distortion.amount(level)
    if image.ndim != 3 or image.shape[2] != 3 or not np.issubdtype(image.dtype, np.floating):
        raise ValueError(
            f"distort takes float RGB (H, W, 3) in [0, 1], not {image.dtype} {image.shape}. "
            "Divide an 8-bit RGB image by 255."
        )
    pristine: Image = np.ascontiguousarray(image, dtype=np.float64)
    pristine = stretch(pristine) if mapmm else pristine
    result = distortion.apply(pristine, amount, rng)
    result = stretch(result) if mapmm else np.clip(result, 0.0, 1.0)
    return result.astype(image.dtype)
