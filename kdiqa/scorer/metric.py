"""A scorer as a torchmetrics metric: the quality of restored images over a data set."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from kdiqa.runtime.words import check_word
from kdiqa.scorer.open import Source, predictor_of
from kdiqa.scorer.predictor import Predictor

Reduction = Literal["mean", "none"]


class QualityMetric(Metric):
    """The mean score of all images, in [0, 1], higher is better, or the list of their scores.

    Each image is scored by itself: the result depends on no batch. Under DDP the sums (or the
    lists, rank after rank) of all processes are gathered, however many images each one saw; a
    sampler that repeats images to fill up ranks counts them twice here as everywhere.

    Args:
        scorer: Of the scores, on its own device; or the path that :func:`kdiqa.load` takes, None
            for the bundled student.
        reduction: ``mean`` computes a scalar, ``none`` the scores :math:`(N,)`.
        options: As for ``torchmetrics.Metric``.

    Raises:
        ValueError: If the reduction is neither.
    """

    is_differentiable = False  # kdiqa.scorer.loss.QualityLoss is
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    total: Tensor
    count: Tensor
    scores: list[Tensor]

    def __init__(
        self,
        scorer: Predictor | Source = None,
        reduction: Reduction = "mean",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        check_word("reduction", reduction, Reduction)
        self.scorer, self.reduction = predictor_of(scorer), reduction
        if reduction == "none":
            self.add_state("scores", [], dist_reduce_fx="cat")
            self.set_dtype(torch.float64)  # of the empty list, too, that a process may hold
        else:
            zero = torch.zeros((), dtype=torch.float64)
            self.add_state("total", zero, dist_reduce_fx="sum")
            self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, images: Tensor | Sequence[Any]) -> None:
        """Scores images.

        Args:
            images: A batch :math:`(N, 3, H, W)` of uint8 or of floats in [0, 1], or a list of
                whatever :meth:`kdiqa.scorer.Scorer.score` takes.
        """
        predictions = self.scorer.score(list(images))
        scores = torch.tensor(predictions, dtype=torch.float64, device=self.device)
        if self.reduction == "none":
            self.scores.append(scores)
        else:
            self.total += scores.sum()
            self.count += len(scores)

    def compute(self) -> Tensor:
        """Returns the mean of all scores, NaN where there are none; or all scores."""
        if self.reduction == "mean":
            return self.total / self.count
        if len(self.scores) == 0:
            return torch.zeros(0, dtype=torch.float64, device=self.device)
        return dim_zero_cat(self.scores)
