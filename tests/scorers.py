"""Scorers that learnt nothing, for tests of what is done with any scorer."""

from __future__ import annotations

import torch

from kdiqa.data.crops import Crops
from kdiqa.data.pairs.pairing import Redistorted
from kdiqa.data.scale import Label
from kdiqa.distortions.redistort import single
from kdiqa.models.backbone import Backbone
from kdiqa.models.level_net import LevelNet
from kdiqa.models.levels import Levels
from kdiqa.scorer import Scorer
from kdiqa.scorer.views import Views
from kdiqa.systems.akd.net import AKDNet
from tests.runs import BACKBONE

MOS = Label(0, 9)


def small(crops: Crops | None = None, levels: int = 4, seed: int = 0) -> Scorer:
    """Returns a scorer of the image alone, of filters and our own small net."""
    torch.manual_seed(seed)
    backbone = Backbone(
        "log_filters", "random", pyramid=Levels(grid=1, statistics="mean_std", norm="none")
    )
    net = LevelNet(backbone, hidden=8)
    torch.nn.init.constant_(net.head.bias, 0.5)
    if levels == 1:
        net.standardise.dims = [sum(backbone.dims)]
        net.backbone = OneLevel(backbone)
    cut = crops or Crops(1, None, "full")
    return Scorer(net.eval(), Views(cut, {}, 0), ("image",), MOS, "0" * 12)


class OneLevel(torch.nn.Module):
    """A backbone whose levels are merged into one set of features."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.inner = backbone

    def forward(self, images: list[torch.Tensor]) -> list[list[torch.Tensor]]:
        """Returns one tensor an image."""
        return [[torch.cat(pyramid, dim=2)] for pyramid in self.inner(images)]


def akd(crops: Crops, redistorted: bool = False, **options: object) -> Scorer:
    """Returns a scorer of AKD-IQA's net, with itself or a re-distorted copy."""
    torch.manual_seed(0)
    net = AKDNet(Backbone(BACKBONE, "random"), crops.num, 16, 2, 1, **options)
    net.head.bias.data += 0.5
    net.head.weight.data *= 10
    pairs = {"second": Redistorted(single("jpeg"))} if redistorted else {}
    pair = ("image", "second") if redistorted else ("image", "image")
    return Scorer(net.eval(), Views(crops, pairs, 0), pair, MOS, "1" * 12)
