"""What every measure requires of its two vectors: scores and labels, row by row, all finite."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]


def pair(score: ArrayLike, mos: ArrayLike) -> tuple[Vector, Vector]:
    """Returns scores and labels as float64, both :math:`(N,)`.

    Raises:
        ValueError: if they differ in length, are empty, or one is not a finite number.
    """
    x, y = np.asarray(score, np.float64), np.asarray(mos, np.float64)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise ValueError(
            f"Scores of shape {x.shape} do not match labels of shape "
            f"{y.shape}. Give two vectors of one length, with at least one row."
        )
    for name, values, remedy in (
        ("scores", x, "Training has diverged: lower the learning rate."),
        ("labels", y, "Look for an empty cell in the data set's label file."),
    ):
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise ValueError(
                f"{len(bad)} of {len(values)} {name} are not finite numbers, the first in row "
                f"{bad[0]}. {remedy}"
            )
    return x, y


def is_constant(values: Vector) -> bool:
    """Returns whether values, :math:`(N,)` with N > 0, differ by no more than rounding.

    A dead student's scores differ in the last bits of float32: what float32 holds exactly is
    constant when it spreads over eight units in the last place. Anything else was computed in float64
    and is measured by that, so that a measure far from zero keeps its small differences.

    Example:
        >>> is_constant(np.float64(np.float32([0.3, 0.30000004]))), is_constant(1e6 + np.arange(3))
        (True, False)
    """
    single = np.array_equal(values, values.astype(np.float32).astype(np.float64))
    tolerance = 1e-6 if single else 1e-12
    return bool(np.ptp(values) <= tolerance * max(1e-300, np.abs(values).max()))
