"""The losses against their formulas."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from kdiqa.training.distances import DistanceName, distance_of
from kdiqa.training.losses import LabelledLoss, LabelledScoreLoss, ScoreLoss, plcc_loss

NAN = float("nan")
DISTANCES = get_args(DistanceName)


@pytest.mark.parametrize("name", DISTANCES)
def test_distance_is_zero_of_equals_and_one_number_a_sample(name: DistanceName) -> None:
    distance = distance_of(name)
    x = torch.randn(2, 4, 3, 49, 8, dtype=torch.float64)
    assert distance(x, x).shape == (2, 4, 3)
    torch.testing.assert_close(distance(x, x), torch.zeros(2, 4, 3, dtype=torch.float64))
    assert (distance(x, torch.randn_like(x)) > 0).all()


@pytest.mark.parametrize("name", DISTANCES)
def test_teacher_gets_no_gradient(name: DistanceName) -> None:
    distance = distance_of(name)
    student = torch.randn(3, 49, 8, requires_grad=True)
    teacher = torch.randn(3, 49, 8, requires_grad=True)
    distance(student, teacher).sum().backward()
    assert student.grad is not None
    assert teacher.grad is None


def test_correlation_loss_equals_scipy() -> None:
    x, y = torch.randn(20, dtype=torch.float64), torch.randn(20, dtype=torch.float64)
    rho = stats.pearsonr(x.numpy(), y.numpy()).statistic
    np.testing.assert_allclose(plcc_loss(x, y).item(), (1 - rho) / 2, atol=1e-7)


def test_score_loss_is_the_official_one_by_default() -> None:
    x, y = torch.randn(8), torch.rand(8)
    torch.testing.assert_close(ScoreLoss()(x, y), F.smooth_l1_loss(x, y))
    assert ScoreLoss(correlation=1.0)(x.bfloat16(), y).dtype == torch.float32


def test_score_loss_leaves_out_images_without_a_label() -> None:
    score = torch.tensor([0.1, 0.7, 0.4, 0.9, 0.2], requires_grad=True)
    mos = torch.tensor([0.3, NAN, 0.9, NAN, 0.1])
    loss = LabelledScoreLoss(beta=0.1, correlation=1.0)
    known = torch.tensor([0, 2, 4])
    plain = ScoreLoss(beta=0.1, correlation=1.0)
    torch.testing.assert_close(loss(score, mos), plain(score[known], mos[known]))
    nothing = loss(score, torch.full((5,), NAN))
    nothing.backward()
    torch.testing.assert_close(score.grad, torch.zeros(5))


def test_loss_is_the_mean_squared_error_of_the_labelled_images() -> None:
    score = torch.tensor([0.1, 0.7, 0.4, 0.9], requires_grad=True)
    mos = torch.tensor([0.3, NAN, 0.9, NAN])
    loss = LabelledLoss(0.5)(score, mos)
    expected = 0.5 * (0.2**2 + 0.5**2) / 2
    torch.testing.assert_close(loss, torch.tensor(expected))
    loss.backward()
    torch.testing.assert_close(score.grad, torch.tensor([-0.1, 0.0, -0.25, 0.0]))


def test_a_batch_without_a_single_label_trains_nothing() -> None:
    score = torch.rand(3, requires_grad=True)
    loss = LabelledLoss()(score, torch.full((3,), NAN))
    loss.backward()
    assert float(loss.detach()) == 0
    assert (score.grad == 0).all()
