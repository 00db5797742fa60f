"""A trained net that scores images from their pixels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kdiqa.batch import Pyramid
from kdiqa.data.scale import Label
from kdiqa.models.bank import ReferenceBank
from kdiqa.scorer.images import Image, to_pixels
from kdiqa.scorer.views import Views


class Predictor:
    """Scores images with a student, as its run evaluated it.

    The same image has the same score, to 1e-5, whatever batch it is in, whatever it is paired
    with and however many processes read. Its draws follow from its pixels, not from its name: the
    scores in the run's own tables differ from these by another draw of crops and noise, and by the
    rounding of cached features. Views with ``seed_by="name"`` draw as the run did.

    Args:
        net: Maps two pyramids to a prediction; in evaluation mode, on its device.
        views: The crops of an image, and of its second image.
        pair: Names of the image and of what it is compared with.
        label: The scale of the net's predictions.
        digest: 12 hex digits that name all of this.
        bank: The references that all images are compared with, if each has none of its own.
    """

    def __init__(
        self,
        net: nn.Module,
        views: Views,
        pair: Sequence[str],
        label: Label,
        digest: str,
        bank: ReferenceBank | None = None,
    ) -> None:
        self.net: Any = net
        self.views, self.pair, self.label, self.digest = views, tuple(pair), label, digest
        self.bank = bank
        self.device = next(net.parameters()).device

    def score(self, image: Image | Sequence[Any], units: bool = False) -> Any:
        """Returns a score, nominally in [0, 1], higher is better; of a list, a list.

        What the net predicts is not clipped: a score may leave the range by a little, and images at
        its ends are not tied.

        Args:
            image: A path, an array uint8 :math:`(H, W, 3)`, a tensor :math:`(3, H, W)` of uint8
                or of floats in [0, 1], a Pillow image, or a list of any of them; RGB throughout.
            units: In the data set's own units and direction instead, as its authors score.

        Raises:
            ImageReadError: If a path holds no image.
            ValueError: If pixels have another shape or type.
        """
        if isinstance(image, list | tuple):
            return [self.score(one, units) for one in image]
        score = float(self.predict(self.batch_of(*to_pixels(image))))
        return self.label.authors(score) if units else score

    def batch_of(self, pixels: Any, name: str | Path | None = None) -> dict[str, Tensor]:
        """Returns the batch of one image, see :class:`kdiqa.scorer.views.Views`."""
        return {key: crops[None] for key, crops in self.views(pixels, name).items()}

    def predict(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns the scores of a batch of crops, :math:`(B,)`, as :meth:`score` does.

        Args:
            batch: By name, uint8 :math:`(B, P, 3, H, W)`, as :attr:`views` cuts them.
        """
        with torch.inference_mode():
            return self.score_pyramids(self.pyramids(batch)).cpu()

    def pyramids(self, batch: Mapping[str, Tensor]) -> dict[str, Pyramid]:
        """Returns the features of a batch of crops, by name; a bank's references have theirs."""
        keys = ["image"] if self.bank is not None else sorted(set(self.pair))
        crops = [batch[key].to(self.device, non_blocking=True) for key in keys]
        return dict(zip(keys, self.net.backbone(crops), strict=True))

    def score_pyramids(self, pyramids: Mapping[str, Pyramid]) -> Tensor:
        """Returns the scores of features, :math:`(B,)`, nominally in [0, 1]."""
        if self.bank is not None:
            predicted = self.bank.score(self.net, pyramids["image"])
        else:
            predicted = self.net(*(pyramids[key] for key in self.pair)).score
        return self.label.to_unit(predicted.double())
