"""Which activations of a timm network are the levels of a pyramid, and how each is pooled."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.models import taps
from kdiqa.runtime.words import check_word

Taps = Literal["stages", "blocks", "post_merge", "expansions", "inception", "tokens"]
Statistics = Literal["mean", "mean_std"]
Norm = Literal["layer", "none", "root"]


@dataclass(frozen=True)
class Levels:
    r"""How a network is read as a pyramid of pooled levels.

    Args:
        taps: ``stages`` for the last ``levels`` stages of timm's ``features_only``, or
            ``blocks`` for all stages of a MobileNet or EfficientNet, those of one stride apart:
            seven, without the convolution of the classifier behind them; or
            ``post_merge`` for a Swin's stage outputs after their patch merging, as the
            official AKD-IQA code taps them: 192@28², 384@14², 768@7², 768@7² for 224², or
            ``expansions`` for the wide activations inside the inverted residuals of MobileNets
            and EfficientNets, those of one stride side by side (ours): texture shows in them
            that the narrow stage outputs have thrown away; or ``inception`` for the first
            blocks of Inception-ResNet-v2 side by side, 1920 channels at stride 8; or ``tokens``
            for a ViT's patch tokens and its class token at every position: two levels.
        levels: How many, counted from the coarsest.
        grid: Side G of the pooled grid.
        statistics: ``mean`` pools each cell's mean (official); ``mean_std`` appends its
            standard deviation as further channels (ours: a cell's texture energy).
        norm: ``layer`` normalises each position over channels without affine weights (official);
            ``none`` leaves the activations as they are; ``root`` takes the signed square root of
            what is pooled (ours: few large channels rule a linear fit otherwise).
    """

    taps: Taps = "stages"
    levels: int = 4
    grid: int = 7
    statistics: Statistics = "mean"
    norm: Norm = "layer"

    def __post_init__(self) -> None:
        check_word("backbone.pyramid.taps", self.taps, Taps)
        check_word("backbone.pyramid.statistics", self.statistics, Statistics)
        check_word("backbone.pyramid.norm", self.norm, Norm)

    def __str__(self) -> str:
        text = f"{self.taps} {self.levels} {self.grid} {self.statistics}"
        return text if self.norm == "layer" else f"{text} {self.norm}"

    def cut(self, trunk: Any) -> Any:
        """Returns a trunk in evaluation mode without what lies behind its last tap.

        timm would run the stages of a MobileNet or EfficientNet behind the last level in vain.
        """
        if self.taps == "inception" and self.levels == 1:
            for layer in taps.TAIL:
                setattr(trunk, layer, nn.Identity())
        if self.taps in ("stages", "blocks") and hasattr(trunk, "blocks"):
            module = trunk.feature_info.module_name()[-1]
            if module.startswith("blocks."):
                trunk.blocks = trunk.blocks[: int(module.split(".")[1]) + 1]
        return trunk.eval()

    def dims(self, trunk: Any) -> list[int]:
        """Returns the channels of the pooled levels of a trunk; ``ValueError`` if it has no such."""
        width = 2 if self.statistics == "mean_std" else 1
        return [width * dim for dim in self.channels(trunk)]

    def channels(self, trunk: Any) -> list[int]:
        """Returns the channels of the levels of a trunk, before they are pooled."""
        if self.taps == "stages":
            return list(trunk.feature_info.channels())[-self.levels :]
        if self.taps == "inception":
            return [1920, 1536][: self.levels]
        if self.taps == "post_merge":
            width, count = trunk.embed_dim, len(trunk.layers)
            stages = [*(width * 2**i for i in range(1, count)), width * 2 ** (count - 1)]
            return stages[-self.levels :]
        if self.taps == "tokens":
            if not hasattr(trunk, "has_class_token"):
                raise ValueError(
                    f"backbone.pyramid.taps=tokens is for a ViT, not a {type(trunk).__name__}; use"
                    " backbone.pyramid.taps=stages, whose levels a panel reads as tokens too."
                )
            return [trunk.embed_dim, trunk.embed_dim]
        blocks = [block for stage in getattr(trunk, "blocks", []) for block in stage]
        if not any(taps.projection(block) for block in blocks):
            raise ValueError(
                f"backbone.pyramid.taps={self.taps} is for a MobileNet or EfficientNet of inverted"
                f" residuals, not a {type(trunk).__name__}; use backbone.pyramid.taps=stages."
            )
        with torch.no_grad():
            image = trunk.conv_stem.weight.new_zeros(1, 3, 64, 64)
            of_blocks = self.taps == "blocks"
            maps = (taps.stage_outputs if of_blocks else taps.expansions)(trunk, image)
        return [x.shape[1] for x in maps[-self.levels :]]

    def read(self, trunk: Any, x: Tensor) -> list[Tensor]:
        r"""Returns the raw levels of normalised crops, channels last: :math:`(N, h, w, C_l)`."""
        match self.taps:
            case "post_merge":
                return taps.merged_stages(trunk, x)
            case "tokens":
                return taps.vit_tokens(trunk, x)
            case "stages":
                levels = trunk(x)
            case "blocks":
                levels = taps.stage_outputs(trunk, x)[-self.levels :]
            case "expansions":
                levels = taps.expansions(trunk, x, self.levels)
            case "inception":
                levels = taps.inception_blocks(trunk, x, self.levels)
        # A Swin's feature maps are channels-last already; a convolution's are not.
        last = self.taps == "stages" and getattr(trunk, "output_fmt", "NCHW") == "NHWC"
        return [level if last else level.permute(0, 2, 3, 1) for level in levels]

    def pool(self, level: Tensor) -> Tensor:
        """Returns a raw level, normalised where it is to be, on the grid."""
        if self.norm == "layer":
            level = F.layer_norm(level, level.shape[-1:])
        level = level.permute(0, 3, 1, 2)
        mean = F.adaptive_avg_pool2d(level, self.grid)
        pooled = mean
        if self.statistics == "mean_std":
            square = F.adaptive_avg_pool2d(level.square(), self.grid)
            pooled = torch.cat([mean, (square - mean.square()).clamp(min=1e-6).sqrt()], dim=1)
        return pooled.sign() * pooled.abs().sqrt() if self.norm == "root" else pooled
