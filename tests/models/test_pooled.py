"""The net of one image: shapes, gradients, and bins that mean a score."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels
from kdiqa.models.pooled import BinHead, PooledNet, PooledPairNet, ScoreHead
from kdiqa.models.tail import Tail

HEADS = {"score": ScoreHead, "bins": partial(BinHead, num_bins=7)}
OPTIONS = {
    "plain": {},
    "hidden": {"hidden": 16, "dropout": 0.5},
    "standardised": {"input_norm": "running", "input_dropout": 0.5},
}


def backbone(name: str = "test_efficientnet", levels: int = 2, **options: object) -> Backbone:
    pyramid = {"levels": levels, "grid": 1, "norm": "none"}
    for key in [key for key in options if key in ("grid", "norm")]:
        pyramid[key] = options.pop(key)
    given = {"frozen": False, "pyramid": Levels(**pyramid)}
    return Backbone(name, weights="random", **given | options)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("options", OPTIONS)
def test_scores_have_shapes_and_every_weight_a_gradient(head: str, options: str) -> None:
    torch.manual_seed(0)
    net = PooledNet(backbone(), HEADS[head], **OPTIONS[options]).train()
    crops = torch.randint(0, 256, (3, 2, 3, 32, 32), dtype=torch.uint8)
    (pyramid,) = net.backbone([crops])
    result = net(pyramid)
    assert result.score.shape == (3,)
    assert result.fused.shape == (3, 16 if options == "hidden" else sum(net.backbone.dims))
    assert result.difference is result.distorted is None
    (result.score * torch.tensor([1.0, -2.0, 3.0])).sum().backward()
    still = {name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()}
    assert not still


def test_crops_are_averaged_in_any_order_and_number() -> None:
    net = PooledNet(backbone(grid=3), HEADS["bins"]).eval()
    crops = torch.randint(0, 256, (1, 3, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        scores = [net(*net.backbone([crops[:, order]])).score for order in ([0, 1, 2], [2, 0, 1])]
        doubled = net(*net.backbone([crops.repeat(1, 2, 1, 1, 1)])).score
    torch.testing.assert_close(scores[0], scores[1])
    torch.testing.assert_close(scores[0], doubled)


def test_a_grid_is_pooled_to_the_mean_of_the_map() -> None:
    one, many = backbone(grid=1, levels=1), backbone(grid=4, levels=1)
    many.load_state_dict(one.state_dict())
    crops = torch.randint(0, 256, (2, 1, 3, 128, 128), dtype=torch.uint8)
    head = ScoreHead(sum(one.dims))
    nets = [PooledNet(b, lambda dim: head).eval() for b in (one, many)]
    scores = [net(*net.backbone([crops])).score for net in nets]
    torch.testing.assert_close(scores[0], scores[1])


def test_a_sure_bin_is_its_centre_and_doubt_is_the_mean() -> None:
    head = BinHead(4, num_bins=5, lower=0.0, upper=1.0)
    sure = torch.full((1, 5), -50.0)
    sure[0, 3] = 50.0
    torch.testing.assert_close(head.score(sure), torch.tensor([0.75]))
    torch.testing.assert_close(head.score(torch.zeros(1, 5)), torch.tensor([0.5]))
    prediction = head.score(100 * torch.randn(64, 5))
    assert (prediction >= 0).all()
    assert (prediction <= 1).all()


def test_an_untrained_head_starts_where_it_is_told() -> None:
    head = ScoreHead(4, start=0.5)
    nn.init.zeros_(head.weight)
    torch.testing.assert_close(head.score(head(torch.randn(3, 4))), torch.full((3,), 0.5))


def test_fine_tuning_leaves_the_statistics_of_batch_norm() -> None:
    net = PooledNet(backbone()).train()
    before = {name: value.clone() for name, value in net.backbone.named_buffers()}
    (pyramid,) = net.backbone([torch.randint(0, 256, (4, 1, 3, 32, 32), dtype=torch.uint8)])
    net(pyramid).score.sum().backward()
    assert all(torch.equal(before[name], value) for name, value in net.backbone.named_buffers())


def cut(**options: object) -> Backbone:
    given = {"frozen": True, "grid": 4, "options": {"out_indices": [1]}}
    return backbone(levels=1, **given | options)


def tail(result: Backbone, **options: object) -> Tail:
    return Tail(result, "test_efficientnet", weights="random", **options)


def test_a_tail_goes_on_where_the_backbone_was_cut() -> None:
    whole = backbone(levels=1).eval()
    net = PooledNet(cut(), tail=partial(tail, wide=False)).eval()
    weights = {k.removeprefix("trunk."): v for k, v in whole.state_dict().items()}
    for name, value in net.backbone.trunk.state_dict().items():
        value.copy_(weights[name])
    for name, value in net.tail.state_dict().items():
        value.copy_(weights[name.replace("stages", "blocks")])  # numbered as in the whole
    crops = torch.randint(0, 256, (2, 3, 3, 16, 16), dtype=torch.uint8)
    with torch.no_grad():
        wanted = whole([crops])[0][0].mean(dim=(-2, -1)).mean(1)
        result = net(*net.backbone([crops])).fused[:, : wanted.shape[1]]
    torch.testing.assert_close(result, wanted, atol=1e-5, rtol=1e-5)


def test_a_tail_is_trained_and_keeps_its_statistics() -> None:
    net = PooledNet(cut(), dropout=0.2, input_norm="running", tail=tail).train()
    before = {name: value.clone() for name, value in net.tail.named_buffers()}
    crops = torch.randint(0, 256, (3, 1, 3, 16, 16), dtype=torch.uint8)
    score = net(*net.backbone([crops])).score
    (score * torch.tensor([1.0, -2.0, 3.0])).sum().backward()
    still = {name for name, p in net.tail.named_parameters() if p.grad is None}
    assert not still
    assert all(torch.equal(before[name], value) for name, value in net.tail.named_buffers())
    assert not any(p.requires_grad for p in net.backbone.parameters())


def test_a_tail_goes_on_from_one_plain_level() -> None:
    with pytest.raises(
        ValueError, match=r"^A tail goes on from one plain level\. Set in module\.net"
    ):
        tail(cut(norm="layer"))


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("mobilenetv2_035", 0.250),
        ("mobilenetv2_100", 1.812),
        ("mobilenetv3_small_100", 0.928),
        ("mobilenetv3_large_100", 2.973),
        ("efficientnet_b0", 3.596),
    ],
)
def test_students_are_small(name: str, millions: float) -> None:
    net = PooledNet(backbone(name, levels=1))
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(millions, abs=5e-4)


def test_beside_a_reference_it_scores_how_far_apart_the_two_are() -> None:
    torch.manual_seed(0)
    net = PooledPairNet(backbone(frozen=True)).eval()
    shape = (3, 1, 3, 32, 32)
    crops = [torch.randint(0, 256, shape, dtype=torch.uint8) for _ in range(2)]
    image, reference = net.backbone(crops)
    gap = [(one - other).abs() for one, other in zip(image, reference, strict=True)]
    torch.testing.assert_close(net(image, reference).score, PooledNet.forward(net, gap).score)
    torch.testing.assert_close(net(image, reference).score, net(reference, image).score)
    same = net(image, image).score
    torch.testing.assert_close(same, same[:1].expand(3))


def test_a_flat_head_begins_with_one_score_and_learns_nothing_beyond_its_labels() -> None:
    torch.manual_seed(0)
    head = ScoreHead(100, start=0.5, flat=True)
    x, unseen = torch.randn(3, 100), torch.randn(100)
    assert (head(x) == 0.5).all()
    unseen = unseen - torch.linalg.lstsq(x.T, unseen[:, None]).solution.squeeze(1) @ x
    optimizer = torch.optim.SGD(head.parameters(), 1e-3)
    before = head(unseen)
    for _ in range(20):
        optimizer.zero_grad()
        (head(x).squeeze(1) - torch.tensor([0.1, 0.5, 0.9])).square().sum().backward()
        optimizer.step()
    assert (head(x) - 0.5).abs().max() > 0.1
    torch.testing.assert_close(head(unseen) - head.bias, before - 0.5, atol=1e-5, rtol=0)
