"""GAN-IQA-KD's nets: shapes, gradients, and what each of their parts is for."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from kdiqa.distortions.jnd import just_noticeable, luminance
from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels
from kdiqa.models.pooled import BinHead
from kdiqa.systems.ganiqa.attention import WindowAttention
from kdiqa.systems.ganiqa.blocks import visibility
from kdiqa.systems.ganiqa.masked import MaskedBackbone
from kdiqa.systems.ganiqa.net import GANIQAStudent, GANIQATeacher

SMALL = "test_efficientnet"
# Of both maps alike: it goes where the maps' difference alone is read.
SHIFT = "read.attention.attention.project.1.1.bias"
small_attention = partial(WindowAttention, key_dim=4, window=3)


def crops(batch: int = 2, num: int = 2, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return torch.randint(0, 256, (batch, num, 3, 32, 32), dtype=torch.uint8)


def teacher(kind: type[Backbone] = Backbone, **options: Any) -> GANIQATeacher:
    torch.manual_seed(0)
    backbone = kind(name=SMALL, weights="random", pyramid=Levels(grid=5))
    return GANIQATeacher(backbone, 32, **{"attention": small_attention} | options)


def student(kind: type[Backbone] = Backbone, **options: Any) -> GANIQAStudent:
    torch.manual_seed(0)
    backbone = kind(name=SMALL, weights="random", pyramid=Levels(grid=5))
    return GANIQAStudent(backbone, 32, **{"attention": small_attention} | options)


def silent_parameters(net: nn.Module, score: torch.Tensor) -> list[str]:
    score.square().sum().backward()
    return [
        name
        for name, p in net.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.abs().sum())
    ]


def wake(net: nn.Module) -> None:
    """Lets the branches of attention speak, which begin as nothing."""
    for name, parameter in net.named_parameters():
        if "attention.project" in name:
            nn.init.normal_(parameter)


def test_teacher_says_what_a_batch_expects_and_all_of_it_learns() -> None:
    net = teacher(layers=2)
    wake(net)
    image, second = net.backbone([crops(seed=0), crops(seed=1)])
    prediction = net(image, second)
    assert prediction.score.shape == prediction.spread.shape == (2,)
    assert prediction.difference.shape == prediction.distorted.shape == (2, 1, 2, 2 * 25, 32)
    assert prediction.fused.shape == (2, 64)
    assert silent_parameters(net, prediction.score) == []


@pytest.mark.parametrize("compared", [False, True])
def test_student_says_what_a_batch_expects_and_all_of_it_learns(compared: bool) -> None:
    net = student(drop_path=0.0)
    wake(net)
    pyramids = net.backbone([crops(seed=0), crops(seed=1)])
    prediction = net(*pyramids) if compared else net(pyramids[0])
    assert prediction.score.shape == prediction.spread.shape == (2,)
    assert prediction.difference is None
    assert prediction.distorted.shape == (2, 1, 2, 2 * 25, 32)
    silent = [SHIFT] if compared else []
    assert silent_parameters(net, prediction.score) == silent


@pytest.mark.parametrize(
    "options",
    [{"attention": None}, {"semantic": False}, {"query": "diff"}, {"input_dropout": 0.5}],
    ids=str,
)
def test_every_part_of_the_teacher_can_be_left_out(options: dict[str, Any]) -> None:
    net = teacher(**options)
    wake(net)
    image, second = net.backbone([crops(seed=0), crops(seed=1)])
    silent = silent_parameters(net, net(image, second).score)
    assert silent == ([SHIFT] if options == {"query": "diff"} else [])


def test_equal_images_leave_the_encoder_nothing_but_its_own_tokens() -> None:
    net = teacher().eval()
    (pyramid,) = net.backbone([crops()])
    (other,) = net.backbone([crops(seed=1)])
    same, apart = net(pyramid, pyramid).difference, net(pyramid, other).difference
    torch.testing.assert_close(same[1, :, 0], same[1, :, 1])
    assert not torch.allclose(same, apart)


def test_score_is_the_mean_over_crops_and_spread_their_deviation() -> None:
    net = student().eval()
    (pyramid,) = net.backbone([crops(2, 3)])
    whole = net(pyramid)
    each = torch.stack([net([level[:, i : i + 1] for level in pyramid]).score for i in range(3)])
    torch.testing.assert_close(whole.score, each.mean(0))
    torch.testing.assert_close(whole.spread, each.std(0, correction=0))
    assert net([level[:, :1] for level in pyramid]).spread is None


def test_bins_have_their_mean_as_the_score() -> None:
    net = student(last=partial(BinHead, num_bins=3, lower=-1.0, upper=2.0)).eval()
    prediction = net(net.backbone([crops(2, 1)])[0])
    assert prediction.logits.shape == (2, 3)
    expected = prediction.logits.softmax(1) @ torch.tensor([-1.0, 0.5, 2.0])
    torch.testing.assert_close(prediction.score, expected)


def test_a_masked_backbone_gives_the_threshold_of_every_cell_as_one_level_more() -> None:
    torch.manual_seed(0)
    masked, plain = (
        kind(name=SMALL, weights="random", pyramid=Levels(grid=4))
        for kind in (MaskedBackbone, Backbone)
    )
    plain.load_state_dict(masked.state_dict())
    image = crops(1, 1)
    ours, theirs = masked([image])[0], plain([image])[0]
    for x, y in zip(ours[:-1], theirs, strict=True):
        torch.testing.assert_close(x, y)
    hidden = just_noticeable(luminance(image[0].float()))
    expected = hidden.unflatten(2, (4, 8)).unflatten(4, (4, 8)).mean((3, 5))
    torch.testing.assert_close(ours[-1][0], expected)
    assert masked.dims == [*plain.dims, 1]
    assert masked.digest() != plain.digest()


def test_a_difference_counts_less_where_more_is_hidden() -> None:
    hidden = torch.tensor([[3.0, 3.0], [3.0, 4.0]]).view(1, 1, 2, 2)
    weight = visibility(hidden)
    torch.testing.assert_close(weight.mean(), torch.tensor(1.0))
    torch.testing.assert_close(weight[0, 0, 1, 1] / weight[0, 0, 0, 0], torch.tensor(-1.0).exp())


@pytest.mark.parametrize("make", [teacher, student])
def test_nets_read_a_masked_backbone(make: Any) -> None:
    net = make(MaskedBackbone)
    image, second = net.backbone([crops(seed=0), crops(seed=1)])
    assert sum(net.read.standardise.dims) == sum(net.backbone.dims) - 1
    assert net(image, second).score.isfinite().all()


def test_an_unknown_query_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^net.query is 'both'; it is one of: ref, diff.$"):
        teacher(query="both")
