r"""Brightness of KADID-10k: types 16 to 18.

Every function takes an RGB image, :math:`(H, W, 3)` in [0, 1], the amount of its level, and the
generator of its random draws; it returns an image of the same shape.

The splines of the authors go through three points, hence are parabolas:
:math:`f(x) = (1 + 2a) x - 2a x^2` goes through (0, 0), (.5, .5 + a/2), (1, 1).
"""

import numpy as np
from numpy.random import Generator

from kdiqa.distortions.pixels import Image, lab_to_rgb, rgb_to_lab


def brighten_curve(x: Image, amount: float) -> Image:
    """Returns the brightening parabola at ``x`` in [0, 1], clipped; darkening for amount < 0.

    Example:
        >>> brighten_curve(np.array([0.25]), 0.4).round(4).tolist()
        [0.4]
    """
    return np.clip((1 + 2 * amount) * x - 2 * amount * x**2, 0.0, 1.0)


def brighten(image: Image, amount: float, rng: Generator) -> Image:
    """Returns two parts of the curve on RGB and one of the curve on L of Lab."""
    lab = rgb_to_lab(image)
    lab[..., 0] = 100 * brighten_curve(lab[..., 0] / 100, amount)
    return (2 * brighten_curve(image, amount) + lab_to_rgb(lab)) / 3


def darken(image: Image, amount: float, rng: Generator) -> Image:
    """Returns the image under the darkening parabola."""
    return brighten_curve(image, -amount)


def mean_shift(image: Image, shift: float, rng: Generator) -> Image:
    """Returns the image plus ``shift``, clipped to [0, 1]."""
    return np.clip(image + shift, 0.0, 1.0)
