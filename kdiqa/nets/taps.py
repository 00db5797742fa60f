"""Where a timm network's levels are tapped, for the taps that timm itself does not offer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def merged_stages(swin: Any, x: Tensor) -> list[Tensor]:
    """Returns a Swin's activations after each patch merging, and those of its last stage."""
    x = swin.patch_embed(x)
    levels: list[Tensor] = []
    for stage in swin.layers:
        x = stage.downsample(x)
        levels.append(x)
        x = stage.blocks(x)
    return [*levels[1:], x]


def expansions(trunk: Any, x: Tensor) -> list[Tensor]:
    r"""Returns what the inverted residuals project from, those of one stride side by side.

    Args:
        trunk: Of timm's EfficientNet family: a stem and blocks that end in a projection.
        x: Normalised crops.

    Returns:
        One map a stride, fine to coarse, :math:`(N, \sum C, h, w)`.
    """
    x = trunk.bn1(trunk.conv_stem(x))
    levels: list[list[Tensor]] = []
    for stage in trunk.blocks:
        for block in stage:
            wide, x = through(block, x)
            if levels and levels[-1][0].shape[-2:] == wide.shape[-2:]:
                levels[-1].append(wide)
            else:
                levels.append([wide])
    return [torch.cat(level, dim=1) for level in levels]


def through(block: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns what a block's projection reads, and what the block gives; without one, that."""
    entry, wide = x, None
    for name, layer in block.named_children():
        if name == projection(block):
            wide = x
        x = layer(x)
    return x if wide is None else wide, x + entry if block.has_skip else x


def projection(block: Any) -> str | None:
    """Returns the name of a block's last 1×1 convolution."""
    return next((name for name in ("conv_pwl", "conv_pw") if hasattr(block, name)), None)


def trunk_dims(trunk: Any, taps: str) -> list[int]:
    """Returns the channels of a trunk's levels.

    Raises:
        ValueError: If the trunk has no expansions to tap.
    """
    if taps == "stages":
        return list(trunk.feature_info.channels())
    if taps == "post_merge":
        width, count = trunk.embed_dim, len(trunk.layers)
        return [*(width * 2**i for i in range(1, count)), width * 2 ** (count - 1)]
    blocks = [block for stage in getattr(trunk, "blocks", []) for block in stage]
    if not blocks or not any(projection(block) for block in blocks):
        raise ValueError(
            f"backbone.taps=expansions is for a MobileNet or EfficientNet of inverted residuals, not"
            f" a {type(trunk).__name__}; use backbone.taps=stages."
        )
    with torch.no_grad():
        levels = expansions(trunk, trunk.conv_stem.weight.new_zeros(1, 3, 64, 64))
    return [level.shape[1] for level in levels]


def cut(trunk: Any) -> Any:
    """Returns a trunk without the stages behind its last level, which timm would run in vain."""
    if hasattr(trunk, "feature_info") and hasattr(trunk, "blocks"):
        module = trunk.feature_info.module_name()[-1]
        if module.startswith("blocks."):
            trunk.blocks = trunk.blocks[: int(module.split(".")[1]) + 1]
    return trunk
