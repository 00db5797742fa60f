"""Noises of KADID-10k: types 11 to 15.

Every function takes an RGB image, :math:`(H, W, 3)` in [0, 1], the amount of its level, and the
generator of its random draws; it returns an image of the same shape. The laws of the noises are
MATLAB's; its draws cannot be had without its generator.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from skimage import color

from kdiqa.distortions.pixels import Image, to_float, to_uint8

Denoiser = Callable[[Image, float], Image]


def white_noise(image: Image, variance: float, rng: Generator) -> Image:
    """Returns the image plus Gaussian noise, clipped to [0, 1]."""
    return np.clip(image + rng.normal(0.0, variance**0.5, image.shape), 0.0, 1.0)


def white_noise_ycbcr(image: Image, variance: float, rng: Generator) -> Image:
    """Returns the image plus Gaussian noise on limited-range YCbCr (16 to 235 and 240)."""
    noisy = color.rgb2ycbcr(image) / 255 + rng.normal(0.0, variance**0.5, image.shape)
    return np.clip(color.ycbcr2rgb(255 * noisy.clip(0.0, 1.0)), 0.0, 1.0)


def impulse_noise(image: Image, density: float, rng: Generator) -> Image:
    """Returns the image with a share ``density`` of its elements, not pixels, set to 0 or 1."""
    draw = rng.random(image.shape)
    return np.where(draw < density / 2, 0.0, np.where(draw < density, 1.0, image))


def multiplicative_noise(image: Image, variance: float, rng: Generator) -> Image:
    """Returns ``image + n * image``, n uniform of zero mean, clipped to [0, 1]."""
    limit = (3 * variance) ** 0.5
    return np.clip(image * (1 + rng.uniform(-limit, limit, image.shape)), 0.0, 1.0)


def non_local_means(image: Image, sigma: float) -> Image:
    """Returns the image denoised by non-local means (Buades et al., 2005), channel by channel.

    Its strength, in the deviation of the noise, leaves as much error and as much fine structure as
    one original of KADID-10k has.
    """
    strength = 0.75 * 255 * sigma
    channels = cv2.split(to_uint8(image))
    clean = [cv2.fastNlMeansDenoising(channel, None, strength, 5, 13) for channel in channels]
    return to_float(np.stack(clean, axis=-1))


def denoise(
    image: Image, variance: float, rng: Generator, denoiser: Denoiser = non_local_means
) -> Image:
    """Returns the image after Gaussian noise and its removal.

    KADID-10k removes it with the network DnCNN, whose weights are not ours to ship: non-local
    means stands in for it and leaves other artefacts. Give ``denoiser`` to use your own.

    Example:
        >>> from dataclasses import replace
        >>> from functools import partial
        >>> from kdiqa.distortions.kadid import KADID, distort
        >>> def keep(noisy, sigma):
        ...     return noisy
        >>> mine = replace(KADID[14], apply=partial(denoise, denoiser=keep))
        >>> distort(np.full((8, 8, 3), 0.5), mine, 3, np.random.default_rng(0)).shape
        (8, 8, 3)
    """
    return np.clip(denoiser(white_noise(image, variance, rng), variance**0.5), 0.0, 1.0)
