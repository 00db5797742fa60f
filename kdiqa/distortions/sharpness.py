"""Sharpness and contrast of KADID-10k: types 24 and 25.

Every function takes an RGB image, :math:`(H, W, 3)` in [0, 1], the amount of its level, and the
generator of its random draws; it returns an image of the same shape.
"""

import numpy as np
from numpy.random import Generator

from kdiqa.distortions.pixels import Image, gaussian_filter, lab_to_rgb, rgb_to_lab


def high_sharpen(image: Image, amount: float, rng: Generator) -> Image:
    """Returns the image with an unsharp mask (sigma 3, 13 taps, no threshold) on L of Lab."""
    lab = rgb_to_lab(image)
    light = lab[..., 0].copy()
    lab[..., 0] = light + amount * (light - gaussian_filter(light, 3.0))
    return lab_to_rgb(lab)


def contrast_curve(x: Image, amount: float) -> Image:
    r"""Returns the contrast cubic at ``x`` in [0, 1], clipped to [0, 1].

    The not-a-knot spline through (0, 0), (.3, .25 - c/4), (.5, .5), (.7, .75 + c/4), (1, 1) is
    one cubic, odd about the middle: :math:`f(x) = .5 + c_1 (x - .5) + c_3 (x - .5)^3`.
    Identity at c = -0.2, steeper above it.

    Example:
        >>> contrast_curve(np.array([0.25]), -0.2).round(4).tolist()
        [0.25]
    """
    cubic = -(0.05 + amount / 4) / 0.042
    return np.clip(0.5 + (1 - cubic / 4) * (x - 0.5) + cubic * (x - 0.5) ** 3, 0.0, 1.0)


def contrast_change(image: Image, amount: float, rng: Generator) -> Image:
    """Returns the image under the contrast cubic."""
    return contrast_curve(image, amount)
