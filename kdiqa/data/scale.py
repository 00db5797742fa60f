"""Scores: from the authors' scale to the one that is learned, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from kdiqa.runtime.words import check_word

LabelScale = Literal["unit", "raw", "zscore", "rank"]
KNOTS = 32  # segments of the curve from scores to ranks
STEEPEST = 1e-3  # of a unit score, at least, between two knots: equal scores have no rank between
Score = TypeVar("Score", float, Tensor, NDArray[np.float64])


@dataclass(frozen=True)
class Label:
    """What a score means.

    Args:
        lower: The declared lower end of the authors' scale, not the lowest score observed.
        upper: Its upper end.
        lower_is_better: Whether the authors' scores fall with quality (DMOS).
        scale: What is learned: ``unit``, in [0, 1]; ``raw``, in [lower, upper]; ``zscore``, with
            mean 0 and deviation 1 over the training images; ``rank``, the share of the training
            images that are worse, by straight lines between their quantiles. Higher is better in
            all of them: a DMOS is mirrored in its range.
        mean: Of the training images' unit scores, for ``zscore``.
        std: Their standard deviation.
        quantiles: Of their unit scores, in even steps from the least to the largest, for ``rank``.

    Example:
        >>> dmos = Label(0, 100, lower_is_better=True, scale="raw")
        >>> dmos.unit(20.0), dmos.learned(0.75), dmos.to_unit(75.0), dmos.authors(0.75)
        (0.8, 75.0, 0.75, 25.0)
    """

    lower: float
    upper: float
    lower_is_better: bool = False
    scale: LabelScale = "unit"
    mean: float = 0.0
    std: float = 1.0
    quantiles: tuple[float, ...] = (0.0, 1.0)

    def __post_init__(self) -> None:
        check_word("label_scale", self.scale, LabelScale)
        object.__setattr__(self, "quantiles", tuple(self.quantiles))  # a list, of a checkpoint
        if not self.lower < self.upper or not self.std > 0:
            raise ValueError(
                f"A scale from {self.lower:g} to {self.upper:g}, of deviation {self.std:g}, has no"
                " room for scores."
            )

    def unit(self, score: Score) -> Score:
        """Returns an authors' score in [0, 1], higher is better."""
        share = (score - self.lower) / (self.upper - self.lower)
        return 1 - share if self.lower_is_better else share

    def learned(self, unit: Score) -> Score:
        """Returns a unit score on the scale that is learned."""
        if self.scale == "raw":
            return self.lower + unit * (self.upper - self.lower)
        if self.scale == "rank":
            return _through(unit, self.quantiles, _evenly(self.quantiles))
        return (unit - self.mean) / self.std if self.scale == "zscore" else unit

    def to_unit(self, learned: Score) -> Score:
        """Returns a predicted score in [0, 1] (a prediction may leave it), higher is better."""
        if self.scale == "raw":
            return (learned - self.lower) / (self.upper - self.lower)
        if self.scale == "rank":
            return _through(learned, _evenly(self.quantiles), self.quantiles)
        return learned * self.std + self.mean if self.scale == "zscore" else learned

    def authors(self, unit: Score) -> Score:
        """Returns a unit score in the authors' own units and direction."""
        share = 1 - unit if self.lower_is_better else unit
        return self.lower + share * (self.upper - self.lower)

    def fitted(self, unit: Sequence[float]) -> Label:
        """Returns this label with the mean and deviation, or the quantiles, of training scores."""
        if self.scale == "rank":
            values = np.quantile(unit, np.linspace(0, 1, KNOTS + 1))
            for index in range(1, len(values)):
                values[index] = max(values[index], values[index - 1] + STEEPEST)
            return replace(self, quantiles=tuple(values.tolist()))
        if self.scale != "zscore":
            return self
        return replace(self, mean=float(np.mean(unit)), std=float(np.std(unit)) or 1.0)

    def as_dict(self) -> dict[str, float | bool | str | list[float]]:
        """Returns plain values, to be stored in a checkpoint; ``Label(**values)`` reads them."""
        return asdict(self) | {"quantiles": list(self.quantiles)}


def _evenly(knots: Sequence[float]) -> tuple[float, ...]:
    return tuple(np.linspace(0, 1, len(knots)).tolist())


def _through(x: Score, knots: Sequence[float], values: Sequence[float]) -> Score:
    """Returns what straight lines through some points make of numbers, beyond the ends too.

    A sum of ramps: it has a gradient, and needs no search that an exported graph would lack.
    """
    slopes = np.diff(values) / np.diff(knots)
    turns = np.diff(slopes)
    result = values[0] + (x - knots[0]) * float(slopes[0])
    for knot, turn in zip(knots[1:-1], turns.tolist(), strict=True):
        ramp = x - knot
        result = result + turn * (
            ramp.clamp(min=0) if isinstance(ramp, Tensor) else np.maximum(ramp, 0)
        )
    return float(result) if isinstance(x, float) else result  # type: ignore[return-value]
