"""A bank of references: their features, once, and the mean score over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from kdiqa.batch import Pyramid


@dataclass(frozen=True, eq=False)
class ReferenceBank:
    """The frozen features of K references that every image is compared with.

    A student of non-aligned references scores an image from a reference that it might have had
    otherwise. The mean over a bank is one number, the same whenever it is taken (our
    interpretation: the source draws at random, ten times, and averages over the draws).

    Args:
        pyramids: One a reference, levels :math:`(1, P, C_l, G, G)`.
        pair: Names of the two images in the order the net compares them; one is ``image``.
    """

    pyramids: Sequence[Pyramid]
    pair: Sequence[str]

    @classmethod
    def of(cls, backbone: Any, references: Any, pair: Sequence[str]) -> ReferenceBank:
        """Returns the bank of a data set of references, from one pass of the backbone each."""
        batches = (references[index]["image"][None] for index in range(len(references)))
        with torch.no_grad():
            pyramids = [backbone([crops.to(backbone.mean.device)])[0] for crops in batches]
        return cls(pyramids, pair)

    def __len__(self) -> int:
        return len(self.pyramids)

    def score(self, net: nn.Module, image: Pyramid) -> Tensor:
        r"""Returns the mean score of images :math:`(B, P, C_l, G, G)`, float32, :math:`(B,)`."""
        batch, crops = image[0].shape[:2]
        scores = []
        for reference in self.pyramids:
            # Tiles differ in number from image to image: a reference's take turns.
            turn = torch.arange(crops, device=image[0].device) % reference[0].shape[1]
            second = [level[:, turn].expand(batch, -1, -1, -1, -1) for level in reference]
            sides = [image if name == "image" else second for name in self.pair]
            scores.append(net(*sides).score.float())
        return torch.stack(scores).mean(dim=0)
