"""A scorer as a loss: what a restored image lacks in quality, with a gradient to its pixels."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from kdiqa.scorer.open import Source, predictor_of
from kdiqa.scorer.predictor import Predictor
from kdiqa.scorer.sampling import Sampling


class QualityLoss(nn.Module):
    r"""One minus the score, for training a net that restores images.

    .. math:: \mathcal{L} = \frac{1}{N} \sum_n \big(1 - q(x_n)\big)

    The gradient goes through the crops and the backbone to the pixels. Nothing is rounded to 8
    bits: an image that 8 bits hold has one minus its
    :meth:`~kdiqa.scorer.Scorer.score` to 1e-5, to 5e-3 where the scorer resizes images (which
    rounds). Where crops are drawn, the draw follows from the image in 8 bits, and so jumps where
    a pixel changes. The net itself is frozen, whatever happens to its scorer.

    Restoration nets learn to please a metric that sees an image alone: keep a term that holds on
    to the content next to it.

    Args:
        scorer: Of the scores; or the path that :func:`kdiqa.load` takes, None for the bundled
            student. Its net is copied.

    Raises:
        ValueError: If no gradient can pass the way from an image to its score.
    """

    def __init__(self, scorer: Predictor | Source = None) -> None:
        super().__init__()
        scorer = predictor_of(scorer)
        for name, pairing in scorer.views.pairs.items():
            raise ValueError(
                f"This scorer compares an image with '{name}', which {type(pairing).__name__} makes"
                " or reads from a file: no gradient passes that. Take a scorer of the image alone:"
                " kdiqa.load(), or a student trained with second=none or second=alone."
            )
        self.net: Any = copy.deepcopy(scorer.net).requires_grad_(False)
        self.net.backbone.frozen = False  # it only passes gradients: nothing of it is trained
        self.net.eval()
        self.sampling = Sampling(scorer.views)
        self.pair, self.label = scorer.pair, scorer.label

    def train(self, mode: bool = True) -> QualityLoss:
        """Stays in evaluation mode, as a scorer is."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Returns the loss of images, a scalar.

        Args:
            images: RGB floats in [0, 1], :math:`(N, 3, H, W)`.

        Raises:
            ValueError: If they are anything else.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise ValueError(
                f"A loss of {images.dtype} {tuple(images.shape)} cannot be had. Give float RGB in"
                " [0, 1], (N, 3, H, W)."
            )
        return torch.stack([1 - self.score(image) for image in images]).mean()

    def score(self, image: Tensor) -> Tensor:
        """Returns the score of one image :math:`(3, H, W)`; nominally in [0, 1]."""
        crops = 255 * self.sampling(image)[None]
        pyramid = self.net.backbone([crops])[0]
        learned = self.net(*(pyramid for _ in self.pair)).score
        return self.label.to_unit(learned)[0]
