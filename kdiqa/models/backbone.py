"""Frozen ImageNet features as a pyramid of pooled levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.batch import Pyramid
from kdiqa.models.digest import digest
from kdiqa.models.taps import cut, tapped, trunk_dims
from kdiqa.models.trunk import create_trunk


class Backbone(nn.Module):
    r"""A timm network cut at its stages; each level normalised over channels and pooled to a grid.

    Pooling and the projection that follows commute, so the levels are pooled first: the
    projection then costs 1/64 at the finest level.

    Args:
        name: Any timm model name.
        weights: ``hub`` (timm's pretrained weights), ``random``, or the path of a state dict.
        taps: ``stages`` for the last ``levels`` stages of timm's ``features_only``, or
            ``post_merge`` for a Swin's stage outputs after their patch merging, as the
            official AKD-IQA code taps them: 192@28², 384@14², 768@7², 768@7² for 224², or
            ``expansions`` for the wide activations inside the inverted residuals of MobileNets
            and EfficientNets, those of one stride side by side (ours): texture shows in them
            that the narrow stage outputs have thrown away; or ``inception`` for the first
            blocks of Inception-ResNet-v2 side by side, 1920 channels at stride 8; or ``tokens``
            for a ViT's patch tokens and its class token at every position: two levels.
        levels: How many stages, counted from the coarsest.
        grid: Side G of the pooled grid.
        frozen: Keeps weights and normalisation statistics as they are. Not frozen, the
            statistics of batch norm still stay: crops of one image are no sample of a data set.
        chunk: How many crops pass at once; bounds memory, changes nothing else.
        statistics: ``mean`` pools each cell's mean (official); ``mean_std`` appends its
            standard deviation as further channels (ours: a cell's texture energy).
        norm: ``layer`` normalises each position over channels without affine weights (official);
            ``none`` leaves the activations as they are.
        mean: Of the normalisation; from timm's configuration by default.
        std: Likewise.
        compiled: Compiles the pass, which takes minutes once and saves a twentieth (Swin) to a
            quarter (MobileNet) of each pass on a CPU; the same features to 1e-5.
        options: Further arguments of ``timm.create_model``; with ``out_indices`` the stages behind
            the last of them are left out (MobileNets and EfficientNets).
    """

    trunk: Any  # a timm network; its attributes differ from family to family
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str = "swin_tiny_patch4_window7_224",
        weights: str = "hub",
        taps: str = "stages",
        levels: int = 4,
        grid: int = 7,
        frozen: bool = True,
        chunk: int = 64,
        statistics: str = "mean",
        norm: str = "layer",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        compiled: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_choice("taps", taps, ("stages", "post_merge", "expansions", "inception", "tokens"))
        check_choice("statistics", statistics, ("mean", "mean_std"))
        check_choice("norm", norm, ("layer", "none"))
        self.taps, self.levels, self.grid = taps, levels, grid
        self.frozen, self.chunk = frozen, chunk
        self.statistics, self.norm, self.compiled = statistics, norm, compiled
        trunk = create_trunk(name, weights, taps, levels, options or {})
        self.trunk = cut(trunk, taps, levels)
        if frozen:
            self.trunk.requires_grad_(False)
        config = self.trunk.pretrained_cfg
        self.register_buffer("mean", torch.tensor(mean or config["mean"]).view(3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(std or config["std"]).view(3, 1, 1) * 255)
        width = 2 if statistics == "mean_std" else 1
        self.dims = [width * dim for dim in trunk_dims(self.trunk, taps, levels)]
        self.eval()

    def train(self, mode: bool = True) -> Backbone:
        """Stays in evaluation mode: no drop path, no moving statistics."""
        return super().train(mode and False)

    def forward(self, images: Sequence[Tensor]) -> list[Pyramid]:
        r"""Returns one pyramid an image tensor, from one pass over all of them.

        Args:
            images: Crops, uint8 or [0, 255], each :math:`(B, P, 3, H, W)`.
        """
        crops = torch.cat([image.flatten(0, 1) for image in images])
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            # Compiled here, not in the constructor: a copy of this net would go on with our weights.
            pooled = torch.compile(self.pooled) if self.compiled else self.pooled
            chunks = [pooled(chunk) for chunk in crops.split(self.chunk)]
        levels = [torch.cat(level) for level in zip(*chunks, strict=True)]
        counts = [image.shape[0] * image.shape[1] for image in images]
        split = [level.split(counts) for level in levels]
        return [
            [level[i].unflatten(0, image.shape[:2]) for level in split]
            for i, image in enumerate(images)
        ]

    def pooled(self, crops: Tensor) -> list[Tensor]:
        r"""Returns the levels of crops :math:`(N, 3, H, W)`, each :math:`(N, C_l, G, G)`."""
        # channels_last: depthwise and 1x1 convolutions run faster on it, on CPU and GPU alike.
        x = ((crops - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return [self.pool(level) for level in self.features(x)]

    def features(self, x: Tensor) -> list[Tensor]:
        r"""Returns the raw levels of normalised crops, channels last: :math:`(N, h, w, C_l)`."""
        if self.taps != "stages":
            return tapped(self.trunk, self.taps, x, self.levels)
        # A Swin's feature maps are channels-last already; a convolution's are not.
        last = getattr(self.trunk, "output_fmt", "NCHW") == "NHWC"
        return [level if last else level.permute(0, 2, 3, 1) for level in self.trunk(x)]

    def pool(self, level: Tensor) -> Tensor:
        """Returns a level, normalised where it is to be, on the grid."""
        if self.norm == "layer":
            level = F.layer_norm(level, level.shape[-1:])
        level = level.permute(0, 3, 1, 2)
        mean = F.adaptive_avg_pool2d(level, self.grid)
        if self.statistics == "mean":
            return mean
        square = F.adaptive_avg_pool2d(level.square(), self.grid)
        return torch.cat([mean, (square - mean.square()).clamp(min=1e-6).sqrt()], dim=1)

    def digest(self) -> str:
        """Returns 12 hex digits that name these weights and this way of reading them."""
        text = f"{self.taps} {self.levels} {self.grid} {self.statistics}"
        text += "" if self.norm == "layer" else f" {self.norm}"
        return digest(self.state_dict(), text)


def check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    """Raises unless a setting is one of its choices."""
    if value not in choices:
        *first, last = (f"'{choice}'" for choice in choices)
        raise ValueError(f"backbone.{key} is '{value}'; it is {', '.join(first)} or {last}.")
