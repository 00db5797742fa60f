"""Levels: how each is pooled, what names them, and which words they take."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from torch.nn import functional as F

from kdiqa.config.instantiate import checked
from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels

SMALL = "test_efficientnet"


def test_pooling_first_equals_projecting_first() -> None:
    level, weight = torch.randn(2, 28, 28, 16), torch.randn(8, 16, 1, 1)
    backbone = Backbone(SMALL, "random")
    ours = F.conv2d(backbone.pyramid.pool(level), weight)
    plain = F.layer_norm(level, (16,)).permute(0, 3, 1, 2)
    plain = F.adaptive_avg_pool2d(F.conv2d(plain, weight), 7)
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)


def test_standard_deviations_are_further_channels_and_never_negative() -> None:
    backbone = Backbone(SMALL, "random", pyramid=Levels(statistics="mean_std"))
    (pyramid,) = backbone([torch.randint(0, 256, (2, 3, 3, 64, 64))])
    assert all((level[:, :, level.shape[2] // 2 :] >= 0).all() for level in pyramid)
    assert [level.shape[2] for level in pyramid] == backbone.dims


def test_choices_are_named() -> None:
    message = "^backbone.pyramid.norm is 'batch'; it is one of: layer, none, root.$"
    with pytest.raises(ValueError, match=message):
        Levels(norm="batch")  # type: ignore[arg-type]


def test_choices_of_a_configuration_are_named_by_their_whole_key() -> None:
    node = {"pyramid": {"_target_": "kdiqa.models.levels.Levels", "taps": "pre_merge"}}
    known = "stages, blocks, post_merge, expansions, inception, tokens"
    with pytest.raises(ValueError, match=f"^pyramid.taps is 'pre_merge'; it is one of: {known}.$"):
        checked(node)


def test_another_normalisation_is_another_digest() -> None:
    torch.manual_seed(0)
    a, b = (
        Backbone("test_efficientnet", "random", pyramid=Levels(norm=norm))
        for norm in ("layer", "none")
    )
    b.load_state_dict(a.state_dict())
    assert a.digest() != b.digest()


@pytest.mark.parametrize("weights", ["random", "file"])
def test_timm_is_given_another_mean_and_deviation(weights: str, tmp_path: Path) -> None:
    overlay = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 0.5]}
    options = {"pretrained_cfg_overlay": overlay}
    if weights == "file":
        weights = str(tmp_path / "weights.pth")
        torch.save(timm.create_model(SMALL, pretrained=False).state_dict(), weights)
    backbone = Backbone(SMALL, weights, options=options)
    assert backbone.mean.flatten().tolist() == [127.5] * 3
    assert backbone.std.flatten().tolist() == [63.75, 127.5, 127.5]
