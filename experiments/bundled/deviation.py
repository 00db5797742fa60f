"""A full-reference metric that sees colours: what a picture lost beside its pristine original."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LUMINANCE = (0.2989, 0.5870, 0.1140)
CHROMA = ((0.30, 0.04, -0.35), (0.34, -0.60, 0.17))
C1, C2, C3 = 140.0, 55.0, 550.0  # of gradients, of gradients beside the mean picture, of chroma
ALPHA = 0.6  # the gradients' share
SHORT_SIDE = 256  # pixels; larger pictures are averaged down to about it first

Image = NDArray[np.uint8]
Plane = NDArray[np.float64]


def mdsi(image: Image, reference: Image) -> float:
    r"""Returns the mean deviation similarity index of two pictures; 0 is equal, higher is worse.

    A map of similarities of gradients and of chroma is pooled by how far it strays from its mean:

    .. math:: \left[ \frac{1}{N} \sum_i \left| s_i^{1/4} - \overline{s^{1/4}} \right|
        \right]^{1/4}, \quad s = \alpha \hat{G} + (1 - \alpha) \hat{C}

    The powers of negative similarities are complex, as in the authors' program.

    Args:
        image: RGB, :math:`(H, W, 3)`.
        reference: Its pristine original, of the same shape.

    References:
        | Mean Deviation Similarity Index (Nafchi et al., 2016)
        | https://arxiv.org/abs/1608.07433

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        >>> mdsi(picture, picture), mdsi(cv2.blur(picture, (3, 3)), picture) > 0.3
        (0.0, True)
    """
    if image.shape != reference.shape:
        raise ValueError(
            f"A picture of shape {image.shape} cannot be compared with one of {reference.shape}."
            " Give both the same size."
        )
    (x, x_chroma), (y, y_chroma) = planes(image), planes(reference)
    gx, gy, gm = (gradient(plane) for plane in (x, y, (x + y) / 2))
    gradients = similar(gx, gy, C1) + similar(gx, gm, C2) - similar(gy, gm, C2)
    colours = chroma_similarity(x_chroma, y_chroma)
    rooted = (ALPHA * gradients + (1 - ALPHA) * colours).astype(np.complex128) ** 0.25
    return float(np.abs(rooted - rooted.mean()).mean() ** 0.25)


def planes(image: Image) -> tuple[Plane, list[Plane]]:
    """Returns the luminance and the two chroma planes of a picture, averaged down."""
    step = max(1, round(min(image.shape[:2]) / SHORT_SIDE))
    pixels: Plane = image.astype(np.float64)
    if step > 1:
        mean: Any = cv2.blur(pixels, (step, step), borderType=cv2.BORDER_REPLICATE)
        pixels = mean[::step, ::step]
    return pixels @ np.array(LUMINANCE), [pixels @ np.array(row) for row in CHROMA]


def gradient(plane: Plane) -> Plane:
    """Returns the magnitude of a plane's Prewitt gradient, zero beyond its border."""
    row = np.repeat([[1.0, 0.0, -1.0]], 3, axis=0) / 3
    across, down = (
        cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_CONSTANT) for kernel in (row, row.T)
    )
    return np.asarray(np.hypot(across, down))


def similar(a: Plane, b: Plane, constant: float) -> Plane:
    """Returns how alike two planes are, place by place; 1 where they are equal."""
    return (2 * a * b + constant) / (a**2 + b**2 + constant)


def chroma_similarity(a: list[Plane], b: list[Plane]) -> Plane:
    """Returns how alike two pairs of chroma planes are, place by place."""
    product = a[0] * b[0] + a[1] * b[1]
    energy = sum(plane**2 for plane in (*a, *b))
    return np.asarray((2 * product + C3) / (energy + C3))
