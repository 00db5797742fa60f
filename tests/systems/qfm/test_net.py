"""The panel: its tokens, its gate, its judgement."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels
from kdiqa.systems.qfm.net import ChannelGate, PanelNet

CNN = {"name": "test_efficientnet", "pyramid": Levels(grid=2)}
VIT = {"name": "test_vit", "pyramid": Levels("tokens", 2, 10, norm="none")}


def crops(size: int, batch: int = 2, num: int = 3) -> Tensor:
    return torch.randint(0, 256, (batch, num, 3, size, size), dtype=torch.uint8)


def panel(backbone: dict[str, object], **options: object) -> PanelNet:
    torch.manual_seed(0)
    result = Backbone(weights="random", **backbone)  # type: ignore[arg-type]
    return PanelNet(result, **{"dim": 64, "heads": 4} | options)  # type: ignore[arg-type]


def test_panels_score_is_the_mean_of_its_members_and_of_the_crops() -> None:
    net = panel(VIT).eval()
    (pyramid,) = net.backbone([crops(160)])
    seen = net.read(pyramid)
    members = net.decoder(seen.patches, seen.semantic)
    assert seen.patches.shape == (6, 100, 64)
    assert members.shape == (6, 6)
    prediction = net(pyramid)
    torch.testing.assert_close(prediction.score, members.view(2, 3, 6).mean(dim=(1, 2)))
    torch.testing.assert_close(prediction.fused, seen.semantic.view(2, 3, 64).mean(dim=1))


def test_members_begin_as_the_class_token(monkeypatch: pytest.MonkeyPatch) -> None:
    net = panel(VIT).eval()
    asked: list[Tensor] = []
    monkeypatch.setattr(
        net.decoder.layers, "forward", lambda queries, tokens: asked.append(queries) or queries
    )
    patches, semantic = torch.randn(2, 9, 64), torch.randn(2, 64)
    net.decoder(patches, semantic)
    torch.testing.assert_close(asked[0], semantic[:, None] + net.decoder.queries)


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("backbone", [CNN, VIT], ids=["cnn", "vit"])
@pytest.mark.parametrize(
    "options", [{}, {"gate": False}, {"dim": 32}, {"input_norm": "running"}, {"norm_first": True}]
)
def test_every_parameter_gets_a_gradient(
    backbone: dict[str, object], frozen: bool, options: dict[str, object]
) -> None:
    net = panel(backbone | {"frozen": frozen}, **options).train()
    prediction = net(*net.backbone([crops(160)]))
    (prediction.score.square().sum() + prediction.fused.square().sum()).backward()
    trained = {name: p for name, p in net.named_parameters() if p.requires_grad}
    assert any(name.startswith("backbone.") for name in trained) != frozen
    unused = {"backbone.trunk.conv_head.weight"}  # no pyramid passes a classifier's last layer
    for name, parameter in trained.items():
        assert name in unused or (parameter.grad is not None and parameter.grad.any()), name


def test_gate_is_the_papers_formula() -> None:
    gate, tokens = ChannelGate(8, reduction=4), torch.randn(3, 5, 8)
    hidden = F.gelu(tokens.mean(dim=1) @ gate.squeeze.weight.T + gate.squeeze.bias)
    plain = 1 / (1 + torch.exp(-(hidden @ gate.excite.weight.T + gate.excite.bias)))
    torch.testing.assert_close(gate(tokens), plain)
    assert gate.squeeze.out_features == 2


def test_gate_scales_tokens_and_class_token_alike() -> None:
    with_gate, without = panel(VIT).eval(), panel(VIT, gate=False).eval()
    (pyramid,) = with_gate.backbone([crops(160, num=1)])
    a, b = with_gate.read(pyramid), without.read(pyramid)
    assert a.gate is not None
    assert b.gate is None
    torch.testing.assert_close(a.patches, b.patches * a.gate[:, None])
    torch.testing.assert_close(a.semantic, b.semantic * a.gate)


def test_class_token_of_a_cnn_is_the_mean_of_its_tokens() -> None:
    net = panel(CNN).eval()
    (pyramid,) = net.backbone([crops(64)])
    seen = net.read(pyramid)
    assert seen.patches.shape == (6, 4 * 2 * 2, 64)
    torch.testing.assert_close(seen.semantic, seen.patches.mean(dim=1))


def test_score_does_not_depend_on_the_number_or_order_of_crops() -> None:
    net = panel(CNN).eval()
    (pyramid,) = net.backbone([crops(64, num=4)])
    order = torch.tensor([2, 0, 3, 1])
    shuffled = net([level[:, order] for level in pyramid])
    torch.testing.assert_close(net(pyramid).score, shuffled.score)


def test_vit_small_is_as_large_as_the_net_it_is_built_after() -> None:
    backbone = Backbone(
        "deit3_small_patch16_224",
        "random",
        frozen=False,
        pyramid=Levels(taps="tokens", levels=2, grid=14),
    )
    net = PanelNet(backbone)
    assert all(isinstance(p, torch.nn.Identity) for p in net.projections)
    assert sum(p.numel() for p in net.backbone.parameters()) == 21_674_496
    assert sum(p.numel() for p in net.decoder.parameters()) == 2_369_281
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) == 24_117_985  # DEIQT: 24 M
