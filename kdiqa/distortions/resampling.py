"""Shrinking an image and growing it back: the resize steps, alone and in a row."""

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
        self.factor = factor
        self.filter = filter

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image at a resolution lower by the factor."""
        height, width = image.shape[:2]
        small = (self.shrink(width), self.shrink(height))
        kind = self.pillow
        resized = Pillow.fromarray(image).resize(small, kind).resize((width, height), kind)
        return np.asarray(resized)

    def shrink(self, size: int) -> int:
        """Returns the smaller size, rounded down, at least one pixel."""
        return max(1, int(size / self.factor))

    @property
    def pillow(self) -> Pillow.Resampling:
        """Pillow's name of the filter."""
        return Pillow.Resampling[self.filter.upper()]


class Resamples(Step):
    """Several :class:`Resample` in a row, as one.

    All that follows the first shrinking is linear in the small image, and separable. So one small
    matrix for the rows and one for the columns say it all, and where a nearest filter comes last
    the many equal rows of a matrix are computed once and copied. The numbers are not rounded to
    8 bits between the steps, as they are in the steps one by one; nothing else differs.
    """

    def __init__(self, steps: Sequence[Resample]) -> None:
        self.steps = tuple(steps)

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image after all the steps."""
        height, width = image.shape[:2]
        first = self.steps[0]
        small = (first.shrink(width), first.shrink(height))
        pixels = np.asarray(Pillow.fromarray(image).resize(small, first.pillow), dtype=np.float32)
        rows, copy_rows = _tail(self.steps, height)
        columns, copy_columns = _tail(self.steps, width)
        pixels = np.tensordot(rows, pixels, axes=(1, 0))
        pixels = np.tensordot(columns, pixels, axes=(1, 1)).transpose(1, 0, 2)
        exact = np.rint(pixels).clip(0, 255).astype(np.uint8)
        return exact.take(copy_columns, axis=1).take(copy_rows, axis=0)


@lru_cache(maxsize=64)
def _tail(steps: tuple[Resample, ...], size: int) -> tuple[Matrix, NDArray[np.intp]]:
    """Returns what follows the first shrinking of an axis, as its distinct rows and their order.

    Pillow itself resizes the identity matrix, so its kernels need not be written down.
    """
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
    for is_resample, run in groupby(steps, lambda step: isinstance(step, Resample)):
        group = list(run)
        resamples = [step for step in group if isinstance(step, Resample)]
        merged += [Resamples(resamples)] if is_resample and len(group) > 1 else group
    return tuple(merged)
