"""The pyramid: its levels, and that it is one pass."""

from __future__ import annotations

import pytest
import torch

from kdiqa.models.backbone import Backbone, Passes
from kdiqa.models.levels import Levels

SMALL = "test_efficientnet"


def crops(batch: int = 2, num: int = 3, size: int = 64) -> torch.Tensor:
    return torch.randint(0, 256, (batch, num, 3, size, size), dtype=torch.uint8)


def test_official_taps_are_the_stages_of_swin_after_their_merging() -> None:
    backbone = Backbone(
        "swin_tiny_patch4_window7_224", "random", pyramid=Levels(taps="post_merge")
    )
    x = torch.randn(1, 3, 224, 224)
    raw = backbone.pyramid.read(backbone.trunk, x)
    torch.testing.assert_close(raw[-1], backbone.trunk.layers(backbone.trunk.patch_embed(x)))
    assert [tuple(level.shape[1:]) for level in raw] == [
        (28, 28, 192),
        (14, 14, 384),
        (7, 7, 768),
        (7, 7, 768),
    ]
    assert backbone.dims == [192, 384, 768, 768]


@pytest.mark.parametrize(
    "name", [SMALL, "test_convnext", "resnet18", "swin_tiny_patch4_window7_224"]
)
def test_any_timm_network_gives_four_pooled_levels(name: str) -> None:
    backbone = Backbone(name, "random")
    size = 224 if "swin" in name else 64
    (pyramid,) = backbone([crops(1, 2, size)])
    assert [tuple(level.shape) for level in pyramid] == [(1, 2, d, 7, 7) for d in backbone.dims]
    assert len(backbone.dims) == 4


def test_one_call_gives_what_single_calls_give_whatever_the_chunk() -> None:
    torch.manual_seed(0)
    whole, chunked = Backbone(SMALL, "random"), Backbone(SMALL, "random", passes=Passes(chunk=5))
    chunked.load_state_dict(whole.state_dict())
    a, b = crops(2, 3), crops(2, 3)
    for ours, alone in zip(chunked([a, b]), (whole([a])[0], whole([b])[0]), strict=True):
        for x, y in zip(ours, alone, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-4, atol=1e-5)


def test_frozen_backbone_stays_as_it_is_in_training_mode() -> None:
    backbone = Backbone(SMALL, "random").train()
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert not backbone([crops()])[0][0].requires_grad


def test_backbone_that_is_not_frozen_gets_gradients() -> None:
    backbone = Backbone(SMALL, "random", frozen=False)
    sum(level.square().mean() for level in backbone([crops()])[0]).backward()
    assert all(p.grad is not None for p in backbone.parameters())


def test_digest_names_the_weights() -> None:
    torch.manual_seed(0)
    a, b = Backbone(SMALL, "random"), Backbone(SMALL, "random")
    assert a.digest() != b.digest()
    b.load_state_dict(a.state_dict())
    assert a.digest() == b.digest()
