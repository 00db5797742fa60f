"""The pyramid: its levels, its weights, and that it is one pass."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from torch.nn import functional as F

from kdiqa.nets import backbone as file
from kdiqa.nets.backbone import Backbone

SMALL = "test_efficientnet"


def crops(batch: int = 2, num: int = 3, size: int = 64) -> torch.Tensor:
    return torch.randint(0, 256, (batch, num, 3, size, size), dtype=torch.uint8)


def test_official_taps_are_the_stages_of_swin_after_their_merging() -> None:
    backbone = Backbone("swin_tiny_patch4_window7_224", "random", taps="post_merge")
    x = torch.randn(1, 3, 224, 224)
    raw = backbone.features(x)
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


def test_pooling_first_equals_projecting_first() -> None:
    level, weight = torch.randn(2, 28, 28, 16), torch.randn(8, 16, 1, 1)
    backbone = Backbone(SMALL, "random")
    ours = F.conv2d(backbone.pool(level), weight)
    plain = F.layer_norm(level, (16,)).permute(0, 3, 1, 2)
    plain = F.adaptive_avg_pool2d(F.conv2d(plain, weight), 7)
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)


def test_one_call_gives_what_single_calls_give_whatever_the_chunk() -> None:
    torch.manual_seed(0)
    whole, chunked = Backbone(SMALL, "random"), Backbone(SMALL, "random", chunk=5)
    chunked.load_state_dict(whole.state_dict())
    a, b = crops(2, 3), crops(2, 3)
    for ours, alone in zip(chunked([a, b]), (whole([a])[0], whole([b])[0]), strict=True):
        for x, y in zip(ours, alone, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-4, atol=1e-5)


def test_standard_deviations_are_further_channels_and_never_negative() -> None:
    backbone = Backbone(SMALL, "random", statistics="mean_std")
    (pyramid,) = backbone([crops()])
    assert all((level[:, :, level.shape[2] // 2 :] >= 0).all() for level in pyramid)
    assert [level.shape[2] for level in pyramid] == backbone.dims


def test_frozen_backbone_stays_as_it_is_in_training_mode() -> None:
    backbone = Backbone(SMALL, "random").train()
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert not backbone([crops()])[0][0].requires_grad


def test_backbone_that_is_not_frozen_gets_gradients() -> None:
    backbone = Backbone(SMALL, "random", frozen=False)
    sum(level.square().mean() for level in backbone([crops()])[0]).backward()
    assert all(p.grad is not None for p in backbone.parameters())


def test_weights_come_from_a_local_file(tmp_path: Path) -> None:
    whole = timm.create_model(SMALL, pretrained=False)
    path = tmp_path / "weights.pth"
    torch.save(whole.state_dict(), path)
    backbone = Backbone(SMALL, str(path))
    torch.testing.assert_close(backbone.trunk.conv_stem.weight, whole.conv_stem.weight)


def test_file_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_convnext", pretrained=False).state_dict(), path)
    message = (
        rf"^'{re.escape(str(path))}' does not hold the weights of '{SMALL}': \d+ of \d+ tensors are"
        r" missing or of another shape, first \w+\. Check backbone\.name, backbone\.options and"
        r" backbone\.weights\.$"
    )
    with pytest.raises(ValueError, match=message):
        Backbone(SMALL, str(path))


def test_file_that_is_no_weights_or_a_program_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return exec, ("raise SystemExit('ran')",)

    path = tmp_path / "weights.pth"
    for text in (b"no weights", b""):
        path.write_bytes(text)
        refused(path)
    for content in ({"state_dict": Hostile()}, [1, 2], {"model": 3}):
        torch.save(content, path)
        refused(path)


def refused(path: Path) -> None:
    message = (
        f"'{path}' is no file of weights: it is damaged, or holds more than tensors by name. Set"
        f" backbone.weights to a state dict of the timm model '{SMALL}'."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Backbone(SMALL, str(path))


def test_missing_file_is_named() -> None:
    message = (
        "No backbone weights at '/nowhere.pth'. Set backbone.weights to a state dict of the timm"
        f" model '{SMALL}', to 'hub', or to 'random'."
    )
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        Backbone(SMALL, "/nowhere.pth")


def test_hub_out_of_reach_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(file, "reachable", lambda endpoint: False)
    monkeypatch.setattr(file.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(file.constants, "HF_HUB_CACHE", str(tmp_path))
    message = (
        r"^The pretrained weights of 'resnet18' could not be had from the hub or its local cache"
        r" \(\w+\)\. Give backbone\.weights=FILE \(a state dict of this timm model\), run once with"
        r" a network, or train without: backbone\.weights=random\.$"
    )
    with pytest.raises(RuntimeError, match=message):
        Backbone("resnet18", "hub")


def test_unknown_names_and_taps_are_explained() -> None:
    message = (
        r"^timm knows no model 'resnet_18' \(backbone\.name\)\. Close to it: resnet18(, \w+)*\.$"
    )
    with pytest.raises(ValueError, match=message):
        Backbone("resnet_18", "random")
    message = (
        r"^backbone\.taps=post_merge is for a Swin, not 'resnet18'; use backbone\.taps=stages\.$"
    )
    with pytest.raises(ValueError, match=message):
        Backbone("resnet18", "random", taps="post_merge")


def test_digest_names_the_weights() -> None:
    torch.manual_seed(0)
    a, b = Backbone(SMALL, "random"), Backbone(SMALL, "random")
    assert a.digest() != b.digest()
    b.load_state_dict(a.state_dict())
    assert a.digest() == b.digest()
