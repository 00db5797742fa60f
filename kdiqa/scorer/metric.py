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
    """The mean score of all images, nominally in [0, 1], higher is better, or the list of their scores.

    Each image is scored by itself: the result depends on no batch. Under DDP the scores of all
    processes are gathered, rank after rank, however many images each one saw; a sampler that
    repeats images to fill up ranks counts them twice here as everywhere.

    Args:
        scorer: Of the scores, on its own device; or the path that :func:`kdiqa.load` takes, None
            for the bundled student.
        reduction: ``mean`` computes a scalar, ``none`` the scores :math:`(N,)`.
        options: As for ``torchmetrics.Metric``.
    """

    is_differentiable = False  # kdiqa.scorer.loss.QualityLoss is
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    scores: list[Tensor]

    def __init__(
        self, scorer: Predictor | Source = None, reduction: Reduction = "mean", **options: Any
    ) -> None:
        super().__init__(**options)
        check_word("reduction", reduction, Reduction)
        self.scorer, self.reduction = predictor_of(scorer), reduction
        self.add_state("scores", [], dist_reduce_fx="cat")
        self.set_dtype(torch.float64)  # of the empty list, too, that a process may hold

    def update(self, images: Tensor | Sequence[Any]) -> None:
        """Scores images.

        Args:
            images: A batch :math:`(N, 3, H, W)` of uint8 or of floats in [0, 1], or a list of
                whatever :meth:`kdiqa.scorer.Scorer.score` takes.
        """
        predictions = self.scorer.score(list(images))
        self.scores.append(torch.tensor(predictions, dtype=torch.float64, device=self.device))

    def compute(self) -> Tensor:
        """Returns the mean of all scores, NaN where there are none; or all scores."""
        none = torch.zeros(0, dtype=torch.float64, device=self.device)
        scores = dim_zero_cat(self.scores) if len(self.scores) else none
        return scores.mean() if self.reduction == "mean" else scores
