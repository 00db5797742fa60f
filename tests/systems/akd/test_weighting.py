"""The weightings: their formulas, and where gradient descent takes them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kdiqa.batch import Prediction
from kdiqa.systems.akd.adaptive import GateWeighting, TeacherTrust
from kdiqa.systems.akd.weighting import (
    DynamicAverage,
    FixedWeighting,
    HardFocus,
    SoftmaxWeighting,
    SoftplusWeighting,
    UncertaintyWeighting,
    Weighting,
)

LOSSES = torch.tensor([0.1, 1.0, 2.0, 4.0])


def prediction(batch: int = 3) -> Prediction:
    blocks = torch.randn(2, 4, batch, 49, 64)
    return Prediction(torch.rand(batch), blocks, blocks, torch.randn(batch, 256))


def weigh(weighting: Weighting, losses: Tensor = LOSSES) -> tuple[Tensor, Tensor]:
    return weighting(losses.unsqueeze(1).expand(-1, 3), prediction(), prediction(), torch.rand(3))


def settle(weighting: Weighting, steps: int = 600, lr: float = 1e-2) -> Tensor:
    optimizer = torch.optim.Adam(weighting.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        weigh(weighting)[0].backward()
        optimizer.step()
    return weigh(weighting)[1].detach()


def test_softmax_sums_to_its_scale_and_starts_at_the_official_weights() -> None:
    total, weights = weigh(SoftmaxWeighting())
    torch.testing.assert_close(
        weights.detach(), torch.tensor([0.450, 0.450, 0.050, 0.050]), atol=5e-4, rtol=0
    )
    torch.testing.assert_close(total, (weights * LOSSES).sum())
    torch.testing.assert_close(weigh(SoftmaxWeighting(scale=3))[1].sum(), torch.tensor(3.0))


def test_softmax_drifts_to_the_level_with_the_smallest_loss() -> None:
    weights = settle(SoftmaxWeighting(init=[0.0] * 4))
    torch.testing.assert_close(
        weights, torch.tensor([0.987, 0.007, 0.002, 0.004]), atol=0.01, rtol=0
    )


def test_entropy_holds_softmax_together() -> None:
    weights = settle(SoftmaxWeighting(init=[0.0] * 4, entropy=10.0))
    assert weights.min() > 0.15


def test_softmax_that_does_not_learn_has_no_parameter_to_train() -> None:
    assert not any(p.requires_grad for p in SoftmaxWeighting(learn=False).parameters())


def test_softplus_starts_where_told_and_fades_without_a_sum() -> None:
    torch.testing.assert_close(weigh(SoftplusWeighting())[1].detach(), torch.full((4,), 0.25))
    assert settle(SoftplusWeighting()).max() < 0.05
    torch.testing.assert_close(settle(SoftplusWeighting(normalise=True)).sum(), torch.tensor(1.0))


def test_uncertainty_settles_where_every_level_counts_the_same() -> None:
    weights = settle(UncertaintyWeighting(), steps=800, lr=2e-2)
    torch.testing.assert_close(2 * weights * LOSSES, torch.ones(4), atol=0.01, rtol=0)


def test_dynamic_average_favours_the_level_that_stopped_falling() -> None:
    weighting = DynamicAverage()
    torch.testing.assert_close(weigh(weighting)[1], torch.ones(4))
    weighting.end_epoch()
    weigh(weighting, LOSSES * torch.tensor([1.0, 0.5, 0.5, 0.5]))
    weighting.end_epoch()
    ratio = torch.tensor([1.0, 0.5, 0.5, 0.5])
    torch.testing.assert_close(weigh(weighting)[1], 4 * (ratio / 2).softmax(0))


def test_dynamic_average_is_wholly_in_its_state() -> None:
    weighting = DynamicAverage()
    weigh(weighting)
    weighting.end_epoch()
    again = DynamicAverage()
    again.load_state_dict(weighting.state_dict())
    torch.testing.assert_close(weigh(again)[1], weigh(weighting)[1])


def test_hard_focus_favours_the_worst_level() -> None:
    torch.testing.assert_close(weigh(HardFocus())[1], (LOSSES / LOSSES.mean()).softmax(0))


def test_fixed_and_uniform_are_what_they_say() -> None:
    torch.testing.assert_close(weigh(FixedWeighting([1, 0, 0, 2]))[0], torch.tensor(8.1))
    torch.testing.assert_close(weigh(Weighting(scale=4))[0], LOSSES.sum())


def test_gate_weighs_each_image_and_learns() -> None:
    gate = GateWeighting(entropy=0.0)
    total, weights = weigh(gate)
    total.backward()
    torch.testing.assert_close(weights.sum(), torch.tensor(1.0))
    assert all(p.grad is not None and p.grad.any() for p in gate.parameters())


def test_trust_counts_most_where_the_teacher_is_right() -> None:
    mos = torch.tensor([0.0, 0.5, 1.0])
    teacher = prediction()._replace(score=torch.tensor([0.0, 0.5, 1.0]))
    losses = LOSSES.unsqueeze(1).expand(-1, 3)
    inner = FixedWeighting([1.0] * 4)
    right, _ = TeacherTrust(inner)(losses, prediction(), teacher, mos)
    wrong, _ = TeacherTrust(inner)(losses, prediction(), teacher._replace(score=-mos), mos)
    torch.testing.assert_close(right, LOSSES.sum())
    assert wrong < right


def test_wrong_number_of_levels_is_explained() -> None:
    message = (
        r"^The weighting has 2 levels and the distiller compares 4\. Give distiller\.weighting one"
        r" value a level of distiller\.levels\.$"
    )
    with pytest.raises(ValueError, match=message):
        weigh(FixedWeighting([1.0, 1.0]))
