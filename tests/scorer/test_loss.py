"""A scorer as a loss: its value is one minus the score, its gradient what differences say."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from kdiqa.data.crops import Crops, official_augmentation
from kdiqa.scorer import Scorer
from kdiqa.scorer.loss import QualityLoss
from kdiqa.scorer.sampling import resized
from tests.fakes import noisy, picture
from tests.scorers import akd, small

CROPS = {
    "whole pictures": Crops(1, None, "full"),
    "shrunk to a square": Crops(1, 64, "full"),
    "enlarged": Crops(2, 128, "random", flip=True),
    "drawn and mirrored": Crops(3, 64, "random", flip=True),
    "five, resized": Crops(5, 64, "five", resize=72),
    "tiles": Crops(1, 64, "tiles"),
}


def planes(seed: int, height: int = 90, width: int = 120) -> torch.Tensor:
    return torch.from_numpy(picture(seed, height, width)).permute(2, 0, 1)


@pytest.mark.parametrize("crops", CROPS)
def test_a_loss_is_one_minus_the_score(crops: str) -> None:
    scorer = small(CROPS[crops])
    images = torch.stack([planes(1), planes(2)])
    expected = 1 - np.mean(scorer.score(list(images)))
    # Where pictures are resized, the scorer rounds them to 8 bits afterwards.
    exact = crops in ("whole pictures", "drawn and mirrored", "tiles")
    loss = scorer.as_loss()(images / 255)
    assert float(loss) == pytest.approx(expected, abs=1e-5 if exact else 5e-3)


@pytest.mark.parametrize("size", [(45, 60), (180, 240), (90, 64), (31, 200)])
def test_an_image_is_resized_as_opencv_does(size: tuple[int, int]) -> None:
    from kdiqa.data.crops import _resized

    pixels = picture(3, 90, 120)
    ours = resized(torch.from_numpy(pixels).permute(2, 0, 1).double(), *size)
    theirs = _resized(pixels, *size)
    np.testing.assert_allclose(ours.permute(1, 2, 0), theirs, rtol=0, atol=1.01)


SCORERS = {
    "small, whole pictures": lambda: small(),
    "small, crops": lambda: small(Crops(2, 64, "random", flip=True)),
    "akd beside itself": lambda: akd(Crops(2, 32, "random"), crop_fusion="mean"),
    "akd, crops on the channels": lambda: akd(Crops(2, 32, "grid")),
}


@pytest.mark.parametrize("kind", SCORERS)
def test_gradients_are_what_finite_differences_say(kind: str) -> None:
    # With the draw of crops held: it jumps where the picture changes. The filters want floats.
    dtype = torch.float32 if "small" in kind else torch.float64
    loss = QualityLoss(SCORERS[kind]()).to(dtype)
    loss.label = type(loss.label)(0, 1)
    sample = loss.sampling
    sample.views.drawn_by = lambda image: "one draw"
    # Noise, because a filter's absolute response has a kink where neighbours are equal.
    pixels = noisy(picture(5, 80, 96), 25, 0)
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(dtype) / 255 * 0.8 + 0.1
    generator = torch.Generator().manual_seed(0)
    x = (x + 0.05 * torch.rand(x.shape, generator=generator, dtype=dtype)).requires_grad_()
    loss(x).backward()
    assert x.grad is not None
    gradient = x.grad
    for step in (5e-3, 2e-3):
        toward = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        toward = gradient / gradient.norm() + 0.3 * toward / toward.norm()
        with torch.no_grad():
            ahead, behind = loss(x + step * toward), loss(x - step * toward)
        slope = float(ahead - behind) / (2 * step)
        assert slope == pytest.approx(float((gradient * toward).sum()), rel=0.03)


def test_a_restoration_net_learns_to_please_the_scorer() -> None:
    scorer = small()
    loss, net = scorer.as_loss(), nn.Conv2d(3, 3, 1)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    images = planes(1)[None] / 255
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        value = loss(images + net(images))
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[-1] < losses[0]
    assert all(parameter.grad is None for parameter in loss.parameters())


def test_a_loss_leaves_its_scorer_alone() -> None:
    scorer = akd(Crops(1, 32, "center"), crop_fusion="mean")
    before = scorer.score(picture(1))
    loss = scorer.as_loss().train()
    assert not loss.net.training
    assert scorer.net.backbone.frozen
    assert not loss.net.backbone.frozen
    assert scorer.score(picture(1)) == before


def refused() -> dict[str, Scorer]:
    turned = small(Crops(1, 32, "random", transforms=official_augmentation()))
    return {
        "This scorer compares an image with 'second', which Redistorted makes or reads from a"
        " file: no gradient passes that. Take a scorer of the image alone: kdiqa.load(), or a"
        " student trained with second=none or second=alone.": akd(Crops(1, 32, "center"), True),
        "This scorer's crops are changed by Rotate, which passes no gradient. Take a scorer whose"
        " test crops are only cut and mirrored.": turned,
    }


@pytest.mark.parametrize("message", refused())
def test_a_way_that_passes_no_gradient_is_named(message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        refused()[message].as_loss()


@pytest.mark.parametrize(
    "images", [torch.zeros(3, 64, 64), torch.zeros(1, 3, 64, 64, dtype=torch.uint8)]
)
def test_what_is_no_batch_of_floats_is_named(images: torch.Tensor) -> None:
    message = (
        f"A loss of {images.dtype} {tuple(images.shape)} cannot be had. Give float RGB in [0, 1],"
        " (N, 3, H, W)."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        small().as_loss()(images)
