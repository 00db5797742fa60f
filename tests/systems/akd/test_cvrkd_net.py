"""The net as CVRKD-IQA has it, and the bank of references it scores beside."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn

from kdiqa.batch import Pyramid
from kdiqa.models.backbone import Backbone
from kdiqa.models.bank import ReferenceBank
from kdiqa.models.levels import Levels
from kdiqa.systems.akd.net import AKDNet

PRESET = {"sign": -1, "fusion": "cat", "level_fusion": "early_cat"}


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return Backbone("test_efficientnet", "random", pyramid=Levels(norm="none"))


def tiny(backbone: Backbone, **options: object) -> AKDNet:
    torch.manual_seed(0)
    sizes = {"dim": 24, "embed_dim": 8, "head_dim": 12, "depth": 3, "distorted_depth": 2}
    return AKDNet(backbone, 3, **(sizes | PRESET | options))  # type: ignore[arg-type]


def pyramid(backbone: Backbone, crops: int = 3, batch: int = 2, seed: int = 0) -> Pyramid:
    torch.manual_seed(seed)
    return [torch.rand(batch, crops, dim, 7, 7) for dim in backbone.dims]


def test_preset_has_the_published_number_of_parameters() -> None:
    resnet = Backbone("resnet50", "random", pyramid=Levels(norm="none"))
    net = AKDNet(resnet, 10, 256, 18, 9, embed_dim=64, head_dim=256, **PRESET)  # type: ignore[arg-type]
    trained = sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert trained == 16_433_072
    assert f"{trained / 1e6:.2f}" == "16.43"
    assert resnet.dims == [256, 512, 1024, 2048]
    assert net.discrepancy is not None
    assert net.discrepancy.embed.weight.shape == (256, 64 * 10 * 4)


def test_prediction_has_one_level(backbone: Backbone) -> None:
    prediction = tiny(backbone)(pyramid(backbone), pyramid(backbone, seed=1))
    assert prediction.score.shape == (2,)
    assert prediction.difference is not None
    assert prediction.distorted is not None
    assert prediction.difference.shape == (3, 1, 2, 49, 24)
    assert prediction.distorted.shape == (2, 1, 2, 49, 24)
    assert prediction.fused.shape == (2, 48)


@pytest.mark.parametrize("crop_fusion", ["cat", "mean"])
def test_every_parameter_gets_a_gradient(backbone: Backbone, crop_fusion: str) -> None:
    net = tiny(backbone, crop_fusion=crop_fusion)
    net(pyramid(backbone), pyramid(backbone, seed=1)).score.square().sum().backward()
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.any(), name


def test_score_is_that_of_the_equations_written_out(backbone: Backbone) -> None:
    net = tiny(backbone)
    image, second = pyramid(backbone), pyramid(backbone, seed=1)

    def z(side: Pyramid) -> Tensor:
        """Each level and crop to 8 channels; crop by crop, level by level, on the channels."""
        embedded = [
            projection(x.permute(0, 1, 3, 4, 2)).flatten(2, 3)
            for x, projection in zip(side, net.embedding.projections, strict=True)
        ]
        return torch.cat([torch.cat(embedded, dim=3)[:, crop] for crop in range(3)], dim=2)

    assert net.discrepancy is not None
    assert net.integrator is not None
    d, _ = net.discrepancy(z(second) - z(image))
    u, _ = net.integrator(z(image))
    first, last = net.head
    score = last(first(torch.cat([d.mean(dim=1), u.mean(dim=1)], dim=1))).squeeze(1)
    torch.testing.assert_close(net(image, second).score, score)


def test_a_level_fusion_that_is_none_is_told(backbone: Backbone) -> None:
    message = "net.level_fusion is 'early'; it is one of: late, early_cat."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tiny(backbone, level_fusion="early")


class Watched(nn.Module):
    """A backbone that counts its passes."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone, self.mean, self.passes = backbone, backbone.mean, 0

    def forward(self, images: list[Tensor]) -> list[Pyramid]:
        """Returns the pyramids."""
        self.passes += 1
        return self.backbone(images)


def references(count: int) -> list[dict[str, Tensor]]:
    torch.manual_seed(3)
    return [{"image": torch.randint(256, (3, 3, 32, 32), dtype=torch.uint8)} for _ in range(count)]


def test_a_bank_scores_by_the_mean_over_references_that_it_has_seen_once(
    backbone: Backbone,
) -> None:
    net, counted, shown = tiny(backbone), Watched(backbone), references(4)
    bank = ReferenceBank.of(counted, shown, ("image", "second"))
    image = pyramid(backbone)
    scores = bank.score(net, image)
    assert counted.passes == len(bank) == 4
    one_by_one = [
        net(image, [x.expand(2, -1, -1, -1, -1) for x in backbone([one["image"][None]])[0]]).score
        for one in shown
    ]
    torch.testing.assert_close(scores, torch.stack(one_by_one).mean(dim=0))
    assert len({float(prediction[0].detach()) for prediction in one_by_one}) == 4
    torch.testing.assert_close(bank.score(net, [x[1:] for x in image]), scores[1:])


def test_a_bank_keeps_to_the_order_of_the_pair(backbone: Backbone) -> None:
    net, shown, image = tiny(backbone), references(1), pyramid(backbone, batch=1)
    turned = ReferenceBank.of(backbone, shown, ("second", "image")).score(net, image)
    torch.testing.assert_close(turned, net(backbone([shown[0]["image"][None]])[0], image).score)


def test_tiles_of_a_reference_take_turns(backbone: Backbone) -> None:
    net = tiny(backbone, crop_fusion="mean")
    bank = ReferenceBank.of(backbone, references(2), ("image", "second"))
    assert bank.score(net, pyramid(backbone, crops=5)).shape == (2,)
