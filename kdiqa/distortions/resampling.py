"""Shrinking an image and growing it back: the resize steps, one by one and merged."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image as Pillow

from kdiqa.distortions.pixels import Pixels
from kdiqa.distortions.steps import Step

Filter = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Matrix = NDArray[np.float32]


class Resample(Step):
    """The image shrunk by ``factor`` and grown to its size again, both by one filter of Pillow."""

    def __init__(self, factor: float, filter: Filter = "bicubic") -> None:
        self.factor, self.filter = factor, filter

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image at a resolution lower by the factor."""
        height, width = image.shape[:2]
        small = Pillow.fromarray(image).resize(
            (self.shrink(width), self.shrink(height)), self.pillow
        )
        return np.asarray(small.resize((width, height), self.pillow))

    def shrink(self, size: int) -> int:
        """Returns the smaller size, rounded down, at least one pixel."""
        return max(1, int(size / self.factor))

    @property
    def pillow(self) -> Pillow.Resampling:
        """Pillow's name of the filter."""
        return Pillow.Resampling[self.filter.upper()]


class Resamples(Step):
    """Several :class:`Resample` in a row, as one.

    A resize is linear and separable. The first shrinking is a banded matrix on the rows and one
    on the columns; all that follows it is one small matrix on each. Where a nearest filter comes
    last, the many equal rows of that matrix are computed once and copied. The numbers are not
    rounded to 8 bits within a resize and after the first shrinking; nothing else differs.
    """

    def __init__(self, steps: Sequence[Resample]) -> None:
        self.steps = tuple(steps)

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image after all the steps."""
        height, width = image.shape[:2]
        small = _shrink(image, self.steps[0])
        rows, copy_rows = _tail(self.steps, height)
        columns, copy_columns = _tail(self.steps, width)
        pixels = np.tensordot(rows, small, axes=(1, 0))
        pixels = np.tensordot(columns, pixels, axes=(1, 1)).transpose(1, 0, 2)
        exact = np.rint(pixels).clip(0, 255).astype(np.uint8)
        return exact.take(copy_columns, axis=1).take(copy_rows, axis=0)


def _shrink(image: Pixels, step: Resample) -> Matrix:
    """Returns the image at the smaller size of the step, in whole numbers of 0 to 255."""
    height, width = image.shape[:2]
    lines = image.reshape(height, -1)
    rows = [band @ lines[used].astype(np.float32) for used, band in _bands(step, height, 1)]
    lines = np.concatenate(rows)
    columns = [lines[:, used] @ band.T for used, band in _bands(step, width, 3)]
    pixels = np.concatenate(columns, axis=1).reshape(len(lines), -1, 3)
    return np.rint(pixels).clip(0, 255)


@lru_cache(maxsize=64)
def _bands(step: Resample, size: int, channels: int) -> list[tuple[slice, Matrix]]:
    """Returns the matrix that shrinks an axis, eight rows at a time, without the zeros around.

    Pillow itself resizes the identity matrix, so its kernels need not be written down.
    """
    identity = Pillow.fromarray(np.eye(size, dtype=np.float32))
    matrix = np.asarray(identity.resize((size, step.shrink(size)), step.pillow))
    bands = []
    for top in range(0, len(matrix), 8):
        band = matrix[top : top + 8]
        first, last = np.flatnonzero(band.any(axis=0))[[0, -1]]
        band = np.kron(band[:, first : last + 1], np.eye(channels, dtype=np.float32))
        bands.append((slice(first * channels, (last + 1) * channels), band))
    return bands


@lru_cache(maxsize=64)
def _tail(steps: tuple[Resample, ...], size: int) -> tuple[Matrix, NDArray[np.intp]]:
    """Returns what follows the first shrinking of an axis, as its distinct rows and their order."""
    small = steps[0].shrink(size)
    matrix = Pillow.fromarray(np.eye(small, dtype=np.float32))
    matrix = matrix.resize((small, size), steps[0].pillow)
    for step in steps[1:]:
        matrix = matrix.resize((small, step.shrink(size)), step.pillow)
        matrix = matrix.resize((small, size), step.pillow)
    rows, order = np.unique(np.asarray(matrix), axis=0, return_inverse=True)
    return rows, order.ravel()


def merge(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Returns the steps, with every run of resize steps as one.

    Example:
        >>> [type(step).__name__ for step in merge([Resample(8), Resample(5, "nearest")])]
        ['Resamples']
    """
    merged: list[Step] = []
    for _, run in groupby(steps, lambda step: isinstance(step, Resample)):
        group = list(run)
        resamples = [step for step in group if isinstance(step, Resample)]
        merged += [Resamples(resamples)] if len(resamples) > 1 else group
    return tuple(merged)
