"""The net that scores an image alone, from its levels side by side."""

from __future__ import annotations

import torch

from kdiqa.models.backbone import Backbone
from kdiqa.models.level_net import LevelNet
from kdiqa.models.levels import Levels


def net(**options: object) -> LevelNet:
    torch.manual_seed(0)
    backbone = Backbone(
        "log_filters", "random", pyramid=Levels(grid=1, statistics="mean_std", norm="none")
    )
    return LevelNet(backbone, hidden=8, **options)  # type: ignore[arg-type]


def crops(*shape: int) -> torch.Tensor:
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(1))


def test_a_score_is_the_mean_over_crops() -> None:
    result = net().eval()
    images = crops(2, 3, 3, 40, 48)
    together = result(result.backbone([images])[0])
    alone = torch.stack(
        [result(result.backbone([images[:, p : p + 1]])[0]).score for p in range(3)]
    )
    torch.testing.assert_close(together.score, alone.mean(0))
    assert together.fused.shape == (2, 8)
    assert together.difference is together.distorted is None


def test_channels_are_standardised_by_the_images_seen_in_training() -> None:
    result, plain = net(), net(input_norm="none")
    pyramid = result.backbone([crops(4, 1, 3, 40, 48)])[0]
    result.train()(pyramid)
    assert result.standardise is not None
    seen = torch.cat([level.mean(dim=(0, 1, 3, 4)) for level in pyramid])
    torch.testing.assert_close(result.standardise.mean, seen)
    assert plain.standardise is None
    assert not torch.allclose(result.eval()(pyramid).score, plain.eval()(pyramid).score)


def test_a_picture_of_one_pixel_has_a_score() -> None:
    result = net().eval()
    for size in ((1, 1), (1, 300), (3, 5)):
        score = result(result.backbone([crops(1, 1, 3, *size)])[0]).score
        assert torch.isfinite(score).all()
