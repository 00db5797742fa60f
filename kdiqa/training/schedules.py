"""The weight of distillation by the global step, and a learning rate by the epoch."""

import math
from typing import ClassVar


class Constant:
    """The same weight at every step (official).

    Example:
        >>> Constant(0.1)(1000)
        0.1
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self, step: int) -> float:
        """Returns the weight."""
        return self.weight


class WarmupSteps:
    """The share of a learning rate at an epoch: a straight line up, then smaller step by step.

    Args:
        warmup: Epochs until the full rate.
        every: Epochs until the next step down, counted from the first epoch.
        factor: What remains at each step.

    Example:
        >>> rate = WarmupSteps(warmup=2, every=3, factor=0.1)
        >>> [round(rate(epoch), 3) for epoch in range(7)]
        [0.5, 1.0, 1.0, 0.1, 0.1, 0.1, 0.01]
    """

    def __init__(self, warmup: int, every: int, factor: float = 0.1) -> None:
        self.warmup, self.every, self.factor = warmup, every, factor

    def __call__(self, epoch: int) -> float:
        """Returns the share."""
        rising = min(1.0, (epoch + 1) / self.warmup) if self.warmup else 1.0
        return rising * self.factor ** (epoch // self.every)


class Cosine:
    """A half wave from one weight to another over a run, whose share it is asked by.

    Example:
        >>> cosine = Cosine(start=0.5, end=0.2)
        >>> cosine(0.0), round(cosine(0.5), 2), round(cosine(1.0), 2)
        (0.5, 0.35, 0.2)
    """

    spans_run: ClassVar = ("start", "end")  # where these differ, it goes by the run's length

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end

    def __call__(self, share: float) -> float:
        """Returns the weight where a share of the run is over."""
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * share)) / 2
