"""The trained rest of a MobileNet whose first stages stay frozen: those can be cached on disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels
from kdiqa.models.taps import through
from kdiqa.models.trunk import create_trunk


class Tail(nn.Module):
    r"""The stages behind those of a backbone that is cut short, fine-tuned.

    Early layers see most pixels and take most of the time, and change least in fine-tuning: frozen,
    they run once for all epochs (``features=cached``). Both together are the uncut network.

    Args:
        backbone: Frozen and cut: one level, ``options: {out_indices: [2]}`` for stride 8, on a grid
            as large as its map, so that nothing is pooled before the rest has seen it.
        weights: Of the whole network, as for the backbone: ``hub``, ``package``, ``random``
            or a file.
        name: Of the same timm network, of the EfficientNet family.
        options: Further arguments of ``timm.create_model``.
        wide: Reads the wide activations inside the inverted residuals too, mean and deviation
            over the image, next to the last stage's.
    """

    def __init__(
        self,
        backbone: Backbone,
        name: str,
        weights: str = "hub",
        options: Mapping[str, Any] | None = None,
        wide: bool = True,
    ) -> None:
        super().__init__()
        pyramid = backbone.pyramid
        if pyramid.norm != "none" or len(backbone.dims) != 1 or pyramid.statistics != "mean":
            raise ValueError(
                "A tail goes on from one plain level. Set in module.net.backbone.pyramid levels=1,"
                " norm=none and statistics=mean."
            )
        trunk: Any = create_trunk(name, weights, Levels(levels=1), options or {})
        self.stages: Any = trunk.blocks[len(backbone.trunk.blocks) :].eval()
        self.wide = wide
        with torch.no_grad():
            self.dim = self(torch.zeros(1, backbone.dims[0], 8, 8)).shape[1]

    def train(self, mode: bool = True) -> Tail:
        """Stays in evaluation mode: batch norm has fixed statistics."""
        return super().train(mode and False)

    def forward(self, x: Tensor) -> Tensor:
        r"""Returns the pooled features of maps :math:`(N, C, h, w)`, :math:`(N, F)`."""
        x = x.contiguous(memory_format=torch.channels_last)
        read = []
        for stage in self.stages:
            for block in stage:
                inner, x = through(block, x)
                read.append(inner)
        levels = [*read, x] if self.wide else [x]
        return torch.cat([x for level in levels for x in statistics(level)], dim=1)


def statistics(level: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the mean and the deviation of each channel over the image, :math:`(N, C)`."""
    mean = level.mean(dim=(-2, -1))
    square = level.square().mean(dim=(-2, -1))
    return mean, (square - mean.square()).clamp(min=1e-6).sqrt()
