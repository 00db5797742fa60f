"""Spatial distortions of KADID-10k: types 19 to 23.

Every function takes an RGB image, :math:`(H, W, 3)` in [0, 1], the amount of its level, and the
generator of its random draws; it returns an image of the same shape. The laws of the random
draws are MATLAB's; the draws themselves cannot be had without its generator.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from kdiqa.distortions.pixels import Image

PATCH = 16  # pixels, of the non-eccentricity patches
BLOCK = 32  # pixels, of the colour blocks


def jitter(image: Image, sigma: float, rng: Generator) -> Image:
    """Returns the image warped five times by a random shift of each pixel, N(0, sigma²).

    Bicubic, borders replicated. OpenCV's cubic (a = -0.75) and its steps of 1/32 pixel stand in
    for MATLAB's interpolation (a = -0.5).
    """
    height, width = image.shape[:2]
    image = image.astype(np.float32)  # OpenCV 5.0 warps float64 wrongly, by 25 dB at no shift
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(5):
        down, right = rng.normal(0.0, sigma, (2, height, width)).astype(np.float32)
        border = cv2.BORDER_REPLICATE
        image = cv2.remap(image, x + right, y + down, cv2.INTER_CUBIC, borderMode=border)
    return np.clip(image, 0.0, 1.0).astype(np.float64)


def non_eccentricity_patch(image: Image, count: float, rng: Generator) -> Image:
    """Returns the image with ``count`` patches of 16 x 16 copied up to 8 pixels away."""
    result = image.copy()
    size = np.minimum(PATCH, image.shape[:2])
    room = np.array(image.shape[:2]) - size
    for _ in range(int(count)):
        source = rng.integers(0, room + 1)
        target = np.rint(source + rng.uniform(-0.5, 0.5, 2) * PATCH).astype(int).clip(0, room)
        result[_window(target, size)] = image[_window(source, size)]
    return result


def pixelate(image: Image, strength: float, rng: Generator) -> Image:
    """Returns the image reduced by ``.95 - strength ** .6`` and enlarged again, both nearest.

    The smaller size is rounded, and each pixel is where the ratio of the sizes says; MATLAB
    uses the factor itself, which moves large images by a pixel at their far end.
    """
    scale = 0.95 - strength**0.6
    rows, columns = (_nearest(size, scale) for size in image.shape[:2])
    return image[np.ix_(rows, columns)]


def _nearest(size: int, scale: float) -> NDArray[np.intp]:
    """Returns which of ``size`` pixels each pixel shows after shrinking and growing."""
    small = max(1, round(size * scale))
    down = (2 * np.arange(small) + 1) * size // (2 * small)  # floor((i + .5) size / small)
    return down[(2 * np.arange(size) + 1) * small // (2 * size)]


def quantisation(image: Image, thresholds: float, rng: Generator) -> Image:
    """Returns the image in few values, cut by multi-level Otsu over all its elements.

    The classes take the values 0, threshold 2, … threshold k, 1. The cut is the exact optimum on
    256 bins; MATLAB's ``multithresh`` searches for it and may stop near it.
    """
    cuts = otsu_thresholds(image, int(thresholds))
    values = np.concatenate([[0.0], cuts[1:], [1.0]])
    return values[np.searchsorted(cuts, image)]


def otsu_thresholds(image: Image, count: int) -> Image:
    r"""Returns the ``count`` thresholds that maximise the variance between classes, ascending.

    By dynamic programming over a histogram of 256 bins: the best sum of
    :math:`(\sum p x)^2 / \sum p` over the classes that end at each bin.

    Example:
        >>> otsu_thresholds(np.array([0.0, 0.1, 0.9, 1.0]), 1).round(2).tolist()
        [0.1]
    """
    low, high = image.min(), image.max()
    if high == low:
        return np.full(count, low)
    bins = np.rint((image - low) / (high - low) * 255).astype(np.intp)
    share = np.bincount(bins.ravel(), minlength=256) / bins.size
    weight = np.concatenate([[0.0], np.cumsum(share)])
    moment = np.concatenate([[0.0], np.cumsum(share * np.arange(256))])
    mass = weight[None, :] - weight[:, None]  # of the class of bins [i, j)
    first = moment[None, :] - moment[:, None]
    between = np.where(mass > 0, first**2 / np.where(mass > 0, mass, 1.0), 0.0)
    between[np.tril_indices(257, -1)] = -np.inf
    best, origins = between[0], []
    for _ in range(count):
        total = best[:, None] + between
        origins.append(total.argmax(axis=0))
        best = total.max(axis=0)
    end, cuts = 256, []
    for origin in reversed(origins):
        end = origin[end]
        cuts.append(end)
    return low + (np.array(cuts[::-1]).clip(min=1) - 0.5) / 255 * (high - low)


def colour_block(image: Image, count: float, rng: Generator) -> Image:
    """Returns the image with ``count`` squares of 32 x 32, each of one random colour."""
    result = image.copy()
    size = np.minimum(BLOCK, image.shape[:2])
    for _ in range(int(count)):
        corner = rng.integers(0, np.array(image.shape[:2]) - size + 1)
        result[_window(corner, size)] = rng.random(3)
    return result


def _window(corner: NDArray[np.int64], size: NDArray[np.int64]) -> tuple[slice, slice]:
    (top, left), (height, width) = corner, size
    return slice(top, top + height), slice(left, left + width)
