"""Cascaded group attention: what each head is given, how places are told apart, where windows end."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from kdiqa.systems.ganiqa.attention import (
    CascadedGroupAttention,
    WindowAttention,
    joined,
    partition,
)


def awake(module: nn.Module) -> nn.Module:
    """Gives every norm other statistics and scales than it begins with, as training would."""
    torch.manual_seed(1)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
            part.running_mean.uniform_(-0.5, 0.5)
            part.running_var.uniform_(0.5, 1.5)
    for name, parameter in module.named_parameters():
        if name.endswith("bias") and parameter.ndim == 3:
            nn.init.normal_(parameter)
    return module


def plain(module: CascadedGroupAttention, x: torch.Tensor) -> torch.Tensor:
    """Returns what the equations say, place by place and head by head."""
    count, channels, height, width = x.shape
    size = channels // module.heads
    places = [(row, column) for row in range(height) for column in range(width)]
    prediction: list[torch.Tensor] = []
    for head in range(module.heads):
        given = x[:, head * size : (head + 1) * size]
        if prediction:
            given = given + prediction[-1]
        qkv = module.qkv[head](given)
        q, k, v = qkv[:, :4], qkv[:, 4:8], qkv[:, 8:]
        q = module.around[head](q)
        out = torch.zeros(count, size, height, width)
        for row, column in places:
            scores = torch.stack(
                [
                    (q[:, :, row, column] * k[:, :, r, c]).sum(1) / 4**0.5
                    + module.bias[head, abs(row - r), abs(column - c)]
                    for r, c in places
                ],
                dim=1,
            ).softmax(1)
            values = torch.stack([v[:, :, r, c] for r, c in places], dim=1)
            out[:, :, row, column] = (scores[..., None] * values).sum(1)
        prediction.append(out)
    return module.project(torch.cat(prediction, dim=1))


def test_attention_is_what_its_equations_say() -> None:
    module = awake(CascadedGroupAttention(32, 4, 4, 2.0, resolution=5)).eval()
    x = torch.randn(2, 32, 4, 5)
    torch.testing.assert_close(module(x), plain(module, x), rtol=1e-4, atol=1e-5)


def given_to_heads(cascade: bool, x: torch.Tensor) -> list[torch.Tensor]:
    module = awake(CascadedGroupAttention(32, 4, 4, cascade=cascade)).eval()
    seen: list[torch.Tensor] = []
    for part in module.qkv:
        part.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach().clone()))
    module(x)
    return seen


@pytest.mark.parametrize("cascade", [True, False])
def test_a_share_of_the_channels_reaches_the_heads_behind_it_by_the_cascade_alone(
    cascade: bool,
) -> None:
    x = torch.randn(1, 32, 7, 7)
    changed = x.clone()
    changed[:, :8] += 1.0
    moved = [
        not torch.equal(before, after)
        for before, after in zip(
            given_to_heads(cascade, x), given_to_heads(cascade, changed), strict=True
        )
    ]
    assert moved == [True, cascade, cascade, cascade]


def test_branch_begins_as_nothing_and_then_every_parameter_learns() -> None:
    module = WindowAttention(32, 7, 4, 4)
    x = torch.randn(2, 32, 14, 14)
    assert module(x).abs().max() == 0
    module(x).sum().backward()  # moves the last scale alone
    assert module.attention.project[1][1].weight.grad.abs().sum() > 0
    awake(module).zero_grad()
    module(x).square().sum().backward()
    silent = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert silent == []


def test_windows_join_to_the_map_they_were_cut_from() -> None:
    x = torch.randn(2, 3, 6, 9)
    windows = partition(x, 3)
    assert windows.shape == (12, 3, 3, 3)
    torch.testing.assert_close(windows[1], x[0, :, :3, 3:6])
    torch.testing.assert_close(joined(windows, (6, 9)), x)


def test_a_window_sees_nothing_of_the_next_one() -> None:
    module = awake(WindowAttention(32, 7, 4, 4)).eval()
    x = torch.randn(1, 32, 14, 14)
    other = x.clone()
    other[..., 7:] = torch.randn(1, 32, 14, 7)
    torch.testing.assert_close(module(x)[..., :7], module(other)[..., :7])
    assert not torch.allclose(module(x)[..., 7:], module(other)[..., 7:])


def test_padding_is_no_key_of_any_place() -> None:
    module = awake(WindowAttention(32, 7, 4, 4)).eval()
    x = torch.randn(2, 32, 9, 12)
    result = module(x)
    # The last window holds 2 × 5 places; alone, in a map of its own, it says the same.
    torch.testing.assert_close(
        result[..., 7:, 7:], module(x[..., 7:, 7:].contiguous()), rtol=1e-4, atol=1e-5
    )
    assert result.shape == x.shape


def test_values_that_cannot_be_added_to_the_next_head_are_refused() -> None:
    message = (
        "4 heads of attn_ratio 2 × key_dim 16 = 32 values make 128 channels, not 64, and one head"
        " could not be added to the next. Change net.dim, or net.attention.key_dim."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        CascadedGroupAttention(64)
