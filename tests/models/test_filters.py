"""The pyramid without weights."""

from __future__ import annotations

import torch

from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels


def crops(value: torch.Tensor) -> torch.Tensor:
    return value.to(torch.uint8)[None, None]


def test_it_is_a_backbone_like_any_other() -> None:
    backbone = Backbone("log_filters", "random", pyramid=Levels(grid=4, statistics="mean_std"))
    (pyramid,) = backbone([torch.randint(0, 256, (2, 1, 3, 64, 64), dtype=torch.uint8)])
    assert [tuple(level.shape) for level in pyramid] == [(2, 1, 24, 4, 4)] * 4
    assert not list(backbone.parameters())


def test_two_of_them_are_the_same() -> None:
    assert Backbone("log_filters", "random").digest() == Backbone("log_filters", "random").digest()


def test_constant_picture_answers_no_filter() -> None:
    backbone = Backbone("log_filters", "random")
    raw = backbone.trunk(torch.full((1, 3, 32, 32), 77.0))
    assert all((level[:, :-2] < 1e-3).all() for level in raw)


def test_noise_and_blur_move_the_finest_octave_apart() -> None:
    torch.manual_seed(0)
    backbone = Backbone("log_filters", "random")
    picture = torch.rand(1, 3, 64, 64) * 255
    smooth = torch.nn.functional.avg_pool2d(picture, 5, 1, 2)
    answers = [backbone.trunk(x)[0][:, 0].mean() for x in (smooth, picture)]
    assert answers[0] < answers[1] - 0.5
