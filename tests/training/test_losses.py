"""The losses against their formulas."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from kdiqa.training.distances import DistanceName, distance_of
from kdiqa.training.losses import ScoreLoss, plcc_loss

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
