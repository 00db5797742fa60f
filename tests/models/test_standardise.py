"""Running standardisation: one ruler for both images."""

from __future__ import annotations

import torch

from kdiqa.models.backbone import Backbone
from kdiqa.models.standardise import CEILING, Standardise
from kdiqa.systems.akd.net import AKDNet


def pyramid(count: int, seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(count, 2, c, 3, 3, generator=generator) * 5 + torch.arange(c).view(c, 1, 1)
        for c in (4, 6)
    ]


def test_statistics_are_those_of_all_images_seen() -> None:
    norm = Standardise([4, 6])
    whole = pyramid(12, 0)
    for i in range(3):
        norm([level[4 * i : 4 * i + 4] for level in whole], pyramid(4, 9))
    norm.eval()
    for level in norm(whole, whole)[0]:
        flat = level.transpose(0, 2).flatten(1)
        torch.testing.assert_close(flat.mean(1), torch.zeros(len(flat)), atol=1e-4, rtol=0)
        torch.testing.assert_close(flat.std(1, unbiased=False), torch.ones(len(flat)))


def test_both_images_are_measured_alike_in_training_too() -> None:
    norm = Standardise([4, 6], dropout=0.5)
    image = pyramid(4, 0)
    ours, theirs = norm(image, image)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a, b)
        dropped = (a == 0).all(dim=(1, 3, 4))
        assert dropped.any()
        assert not dropped.all()


def test_inference_learns_nothing_and_outliers_are_bounded() -> None:
    norm = Standardise([4, 6])
    norm(pyramid(4, 0), pyramid(4, 1))
    before = {key: value.clone() for key, value in norm.state_dict().items()}
    norm.eval()
    _, far = norm(pyramid(4, 2), [1000 * level for level in pyramid(4, 3)])
    assert max(level.abs().max() for level in far) <= CEILING
    assert all(torch.equal(before[key], value) for key, value in norm.state_dict().items())


def test_standardised_net_has_no_further_parameters() -> None:
    backbone = Backbone("test_efficientnet", "random")
    plain, ours = (AKDNet(backbone, 2, depth=1, input_norm=name) for name in ("none", "running"))
    assert [p.shape for p in plain.parameters()] == [p.shape for p in ours.parameters()]
    levels = [torch.randn(2, 2, c, 7, 7) for c in backbone.dims]
    assert ours(levels, levels).score.isfinite().all()


def test_mixers_may_leave_their_tokens_as_they_are() -> None:
    backbone = Backbone("test_efficientnet", "random")
    net = AKDNet(backbone, 2, depth=1, distorted_depth=1, mixer_norm=False)
    assert net.discrepancy is not None
    levels = [torch.randn(2, 2, c, 7, 7) for c in backbone.dims]
    image = net.discrepancy(torch.randn(2, 49, 128))
    assert torch.equal(image[0], image[1][-1])
    assert net(levels, levels).score.isfinite().all()
