"""Expansions of inverted residuals, tapped beside timm's own forward pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import timm
import torch

from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels
from kdiqa.models.taps import expansions


@pytest.mark.parametrize("name", ["mobilenetv2_035", "efficientnet_b0"])
def test_expansions_are_what_the_projections_read(name: str) -> None:
    trunk = timm.create_model(name, features_only=True).eval()
    read: list[torch.Tensor] = []
    for stage in trunk.blocks:
        for block in stage:
            layer = getattr(block, "conv_pwl", getattr(block, "conv_pw", None))
            if layer is not None:
                layer.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        trunk(x)
        plain = list(read)
        result = expansions(trunk, x)
    flat = [part for level in result for part in level.split(1, dim=1)]
    assert len(result) == 5
    for ours, theirs in zip(flat, [c for p in plain for c in p.split(1, dim=1)], strict=True):
        torch.testing.assert_close(ours, theirs)


def test_first_blocks_of_inception_are_read_side_by_side_and_the_rest_is_cut_off() -> None:
    torch.manual_seed(0)
    backbone = Backbone(
        "inception_resnet_v2", "random", pyramid=Levels(taps="inception", levels=1, grid=21)
    )
    assert sum(p.numel() for p in backbone.parameters()) == 1_672_672
    assert backbone.dims == [1920]
    read: list[torch.Tensor] = []
    for layer in (backbone.trunk.mixed_5b, *list(backbone.trunk.repeat)[1::2]):
        layer.register_forward_hook(lambda _, __, out: read.append(out))
    x = torch.randn(1, 3, 192, 192)
    (result,) = backbone.pyramid.read(backbone.trunk, x)
    torch.testing.assert_close(result.permute(0, 3, 1, 2), torch.cat(read, dim=1))
    assert result.shape == (1, 21, 21, 1920)


def test_taps_of_inception_are_for_it_alone() -> None:
    message = (
        "backbone.pyramid.taps=inception is for Inception-ResNet-v2, not 'resnet18'; use"
        " backbone.pyramid.taps=stages."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Backbone("resnet18", "random", pyramid=Levels(taps="inception"))


def test_levels_of_expansions_are_the_coarsest_strides() -> None:
    backbone = Backbone("mobilenetv2_100", "random", pyramid=Levels(taps="expansions", grid=1))
    assert backbone.dims == [240, 528, 2880, 3456]
    (pyramid,) = backbone([torch.randint(0, 256, (2, 3, 3, 64, 64), dtype=torch.uint8)])
    assert [tuple(level.shape) for level in pyramid] == [(2, 3, d, 1, 1) for d in backbone.dims]


def test_measuring_the_levels_leaves_the_statistics_of_batch_norm(tmp_path: Path) -> None:
    whole = timm.create_model("test_efficientnet", pretrained=False)
    torch.save(whole.state_dict(), tmp_path / "weights.pth")
    backbone = Backbone(
        "test_efficientnet", str(tmp_path / "weights.pth"), pyramid=Levels(taps="expansions")
    )
    state = whole.state_dict()
    assert all(
        torch.equal(value, state[key]) for key, value in backbone.trunk.state_dict().items()
    )


def test_levels_that_are_not_normalised_are_the_plain_means() -> None:
    torch.manual_seed(0)
    backbone = Backbone(
        "test_efficientnet",
        "random",
        pyramid=Levels(taps="expansions", grid=2, norm="none", statistics="mean_std"),
    )
    level = torch.randn(2, 8, 8, 5)
    pooled = backbone.pyramid.pool(level)
    cell = level[:, :4, 4:].flatten(1, 2)
    torch.testing.assert_close(pooled[:, :5, 0, 1], cell.mean(1))
    torch.testing.assert_close(pooled[:, 5:, 0, 1], cell.std(1, unbiased=False))


def test_networks_without_expansions_are_refused() -> None:
    message = (
        "^backbone.pyramid.taps=expansions is for a MobileNet or EfficientNet of inverted residuals, not a"
        r" FeatureListNet; use backbone.pyramid.taps=stages\.$"
    )
    with pytest.raises(ValueError, match=message):
        Backbone("resnet18", "random", pyramid=Levels(taps="expansions"))


def test_tokens_are_a_vits_own_with_the_class_token_at_every_place() -> None:
    torch.manual_seed(0)
    backbone = Backbone(
        "test_vit", "random", pyramid=Levels(taps="tokens", levels=2, grid=10, norm="none")
    )
    crops = torch.randint(0, 256, (2, 3, 3, 160, 160), dtype=torch.uint8)
    ((patches, first),) = backbone([crops])
    with torch.no_grad():
        plain = backbone.trunk.forward_features(
            (crops.flatten(0, 1) - backbone.mean) / backbone.std
        )
    assert backbone.dims == [64, 64]
    torch.testing.assert_close(patches.flatten(0, 1).flatten(2).transpose(1, 2), plain[:, 1:])
    assert first.shape == (2, 3, 64, 10, 10)
    torch.testing.assert_close(first.flatten(0, 1)[..., 3, 7], plain[:, 0])


def test_vit_without_a_class_token_answers_with_the_mean() -> None:
    options = {"class_token": False, "global_pool": "avg"}
    backbone = Backbone(
        "test_vit",
        "random",
        options=options,
        pyramid=Levels(taps="tokens", levels=2, grid=10, norm="none"),
    )
    crops = torch.randint(0, 256, (1, 1, 3, 160, 160), dtype=torch.uint8)
    ((patches, first),) = backbone([crops])
    torch.testing.assert_close(first[..., 0, 0], patches.mean(dim=(-2, -1)))


def test_tokens_of_a_network_without_them_are_refused() -> None:
    message = (
        "^backbone.pyramid.taps=tokens is for a ViT, not a ResNet; use backbone.pyramid.taps=stages, whose levels a"
        r" panel reads as tokens too\.$"
    )
    with pytest.raises(ValueError, match=message):
        Backbone("resnet18", "random", pyramid=Levels(taps="tokens"))
