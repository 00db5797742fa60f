"""Blurs of KADID-10k: types 1 to 3.

Every function takes an RGB image, :math:`(H, W, 3)` in [0, 1], the amount of its level, and the
generator of its random draws; it returns an image of the same shape.
"""

import math

import cv2
import numpy as np
from numpy.random import Generator

from kdiqa.distortions.pixels import Image, gaussian_filter


def gaussian_blur(image: Image, sigma: float, rng: Generator) -> Image:
    """Returns the image under a Gaussian of ``sigma`` pixels (``imgaussfilt``, exact)."""
    return gaussian_filter(image, sigma)


def lens_blur(image: Image, radius: float, rng: Generator) -> Image:
    """Returns the image under a disk of ``radius`` pixels, as out of focus (exact)."""
    return cv2.filter2D(image, -1, disk_kernel(radius), borderType=cv2.BORDER_REPLICATE)


def motion_blur(image: Image, length: float, rng: Generator) -> Image:
    """Returns the image under a line of ``length`` pixels, its angle one of 0, 1, … 180 degrees.

    The kernel is MATLAB's; its random angles cannot be had without MATLAB's generator.
    """
    kernel = motion_kernel(length, float(rng.integers(0, 181)))
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)


def disk_kernel(radius: float) -> Image:
    r"""Returns the share of a disk that each pixel covers; the shares add up to 1.

    Exact: with :math:`h(x) = \sqrt{r^2 - x^2}`, the area of a cell of the first quadrant is
    :math:`\int \min(\max(h, y_0), y_1) - y_0 \, dx`.

    Example:
        >>> disk_kernel(1).round(4)
        array([[0.0251, 0.1453, 0.0251],
               [0.1453, 0.3183, 0.1453],
               [0.0251, 0.1453, 0.0251]])
    """
    half = math.ceil(radius - 0.5)
    edges = np.concatenate([[0.0], np.arange(half + 1) + 0.5]).clip(max=radius)
    left, right = edges[None, :-1], edges[None, 1:]
    bottom, top = edges[:-1, None], edges[1:, None]
    full = np.sqrt(radius**2 - top**2).clip(left, right)  # up to here the cell is full,
    none = np.sqrt(radius**2 - bottom**2).clip(left, right)  # from here it is empty
    area = (full - left) * (top - bottom)
    area += _area_under_circle(none, radius) - _area_under_circle(full, radius)
    area -= bottom * (none - full)
    area[0] *= 2  # the middle row and column are cut in two by the axes
    area[:, 0] *= 2
    rows = np.concatenate([area[:0:-1], area])
    kernel = np.concatenate([rows[:, :0:-1], rows], axis=1)
    return kernel / kernel.sum()


def _area_under_circle(x: Image, radius: float) -> Image:
    return (x * np.sqrt(radius**2 - x**2) + radius**2 * np.arcsin(x / radius)) / 2


def motion_kernel(length: float, angle: float) -> Image:
    """Returns the anti-aliased line of MATLAB's ``fspecial('motion')``; its sum is 1.

    The weight of a pixel falls linearly from 1 to 0 with its distance, in pixels, to the segment.
    Beyond the half length from the centre, the distance is that to the segment's end.

    Args:
        length: The length of the line, in pixels; 1 is the identity.
        angle: Degrees, counter-clockwise, 0 is horizontal.

    Example:
        >>> motion_kernel(4, 0).round(3)[0].tolist()
        [0.125, 0.25, 0.25, 0.25, 0.125]
    """
    half, phi = (length - 1) / 2, math.radians(angle % 180)
    size = math.ceil(half) + 1
    y, x = np.mgrid[size : -size - 1 : -1, -size : size + 1]
    along = np.abs(x * math.cos(phi) + y * math.sin(phi))
    across = np.abs(y * math.cos(phi) - x * math.sin(phi))
    outside = np.hypot(x, y) >= half
    distance = np.where(outside, np.hypot(across, along - half), across)
    weight = np.where(across <= 1, (1 - distance).clip(min=0), 0)
    weight[weight < 1e-12] = 0  # what rounding leaves at a distance of 1
    rows, columns = weight.any(axis=1), weight.any(axis=0)
    return weight[np.ix_(rows, columns)] / weight.sum()
