"""Where a timm network's levels are tapped, for the taps that timm itself does not offer."""

from typing import Any

import torch
from torch import Tensor

HEAD = ("conv2d_1a", "conv2d_2a", "conv2d_2b", "maxpool_3a", "conv2d_3b", "conv2d_4a")
STEM = (*HEAD, "maxpool_5a", "mixed_5b")
TAIL = ("mixed_6a", "repeat_1", "mixed_7a", "repeat_2", "block8", "conv2d_7b")


def merged_stages(swin: Any, x: Tensor) -> list[Tensor]:
    """Returns a Swin's activations after each patch merging, and those of its last stage."""
    x = swin.patch_embed(x)
    levels: list[Tensor] = []
    for stage in swin.layers:
        x = stage.downsample(x)
        levels.append(x)
        x = stage.blocks(x)
    return [*levels[1:], x]


def stage_outputs(trunk: Any, x: Tensor) -> list[Tensor]:
    r"""Returns what each stage gives, those of one stride apart, :math:`(N, C_l, h, w)`.

    Args:
        trunk: Of timm's EfficientNet family: a stem, and blocks in stages.
        x: Normalised crops.
    """
    x = trunk.bn1(trunk.conv_stem(x))
    levels: list[Tensor] = []
    for stage in trunk.blocks:
        x = stage(x)
        levels.append(x)
    return levels


def expansions(trunk: Any, x: Tensor, count: int = 0) -> list[Tensor]:
    r"""Returns what the inverted residuals project from, those of one stride side by side.

    One map a stride, fine to coarse, :math:`(N, \sum C, h, w)`: the ``count`` coarsest, 0 for all.
    The trunk is of timm's EfficientNet family: a stem and blocks that end in a projection.
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
    return [torch.cat(level, dim=1) for level in levels[-count:]]


def inception_blocks(trunk: Any, x: Tensor, count: int = 1) -> list[Tensor]:
    r"""Returns ``mixed_5b`` and every second of the ten blocks behind it, side by side.

    As the official code of *Conformer and Blind Noisy Students* (Conde et al., 2022,
    https://arxiv.org/abs/2204.12819) taps it: 21² positions for crops of 192 pixels,
    :math:`(N, 1920, h, w)`. A ``count`` of 2 goes on to the end for the last map as well,
    :math:`(N, 1536, h / 8, w / 8)`: 54.3 million parameters in place of 1.7.
    """
    for layer in STEM:
        x = getattr(trunk, layer)(x)
    tapped = [x]
    for number, block in enumerate(trunk.repeat):
        x = block(x)
        if number % 2:
            tapped.append(x)
    levels = [torch.cat(tapped, dim=1)]
    if count > 1:
        for layer in TAIL:
            x = getattr(trunk, layer)(x)
        levels.append(x)
    return levels


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


def vit_tokens(vit: Any, x: Tensor) -> list[Tensor]:
    r"""Returns a ViT's normalised tokens: patches :math:`(N, h, w, C)`, class :math:`(N, 1, 1, C)`.

    A ViT without a class token answers with the mean of its patch tokens; registers are left out.
    """
    tokens = vit.forward_features(x)
    patches = tokens[:, vit.num_prefix_tokens :]
    first = tokens[:, :1] if vit.has_class_token else patches.mean(1, keepdim=True)
    tall, wide = vit.patch_embed.patch_size
    grid = (x.shape[-2] // tall, x.shape[-1] // wide)
    return [patches.unflatten(1, grid), first.unsqueeze(1)]
