"""Where a backbone's weights come from, and what is said where they do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch

from kdiqa.models import trunk as file
from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels

SMALL = "test_efficientnet"


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
        f" model '{SMALL}', to 'hub', 'package', or 'random'."
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
    message = r"^backbone\.pyramid\.taps=post_merge is for a Swin, not 'resnet18'; use backbone\.pyramid\.taps=stages\.$"
    with pytest.raises(ValueError, match=message):
        Backbone("resnet18", "random", pyramid=Levels(taps="post_merge"))
