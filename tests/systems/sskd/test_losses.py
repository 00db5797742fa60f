"""Soft targets: against the formulas written out, and against their limits."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from kdiqa.batch import Prediction
from kdiqa.models.pooled import BinHead, ScoreHead
from kdiqa.systems.sskd.hint import Hint
from kdiqa.systems.sskd.losses import SoftBins, SoftScore, counted, rank_loss
from kdiqa.training.distiller import log_bins


def prediction(score: Tensor, fused: Tensor | None = None) -> Prediction:
    return Prediction(score, None, None, score[:, None] if fused is None else fused)


def test_the_divergence_is_the_formula() -> None:
    torch.manual_seed(0)
    head = BinHead(6, num_bins=5).double()
    fused = torch.randn(3, 6, dtype=torch.float64)
    mean, std = torch.tensor([0.2, 0.5, 0.95]), torch.tensor([0.01, 0.1, 0.3])
    tau, floor = 2.0, 0.05
    wanted = 0.0
    for i in range(3):
        sigma = max(floor, float(std[i]))
        p = [math.exp(-((float(mean[i]) - k / 4) ** 2) / (2 * sigma**2)) for k in range(5)]
        p = [value ** (1 / tau) for value in p]
        p = [value / sum(p) for value in p]
        q = [math.exp(float(value) / tau) for value in head(fused)[i]]
        q = [value / sum(q) for value in q]
        wanted += tau**2 * sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)) / 3
    result = SoftBins(tau, floor)(prediction(mean, fused), mean, std, head)
    assert float(result) == pytest.approx(wanted, rel=1e-4)


def test_a_student_that_agrees_loses_nothing() -> None:
    head = BinHead(20, num_bins=20)
    with torch.no_grad():
        head.weight.copy_(torch.eye(20))
        head.bias.zero_()
    mean, std = torch.tensor([0.3, 0.7]), torch.tensor([0.1, 0.2])
    logits = log_bins(mean, std, head.centres)
    assert float(SoftBins()(prediction(mean, logits), mean, std, head)) == pytest.approx(
        0, abs=1e-6
    )
    torch.testing.assert_close(head.score(head(logits)), mean, atol=0.03, rtol=0)
    assert float(SoftScore()(prediction(mean), mean, std, head)) == 0


@pytest.mark.parametrize("soft", [SoftScore(), SoftBins()], ids=["score", "bins"])
def test_gradients_reach_the_student_and_not_the_target(soft: nn.Module) -> None:
    head = BinHead(4)
    fused = torch.randn(5, 4, requires_grad=True)
    mean = torch.rand(5)
    soft(prediction(head.score(head(fused)), fused), mean, torch.zeros(5), head).backward()
    assert fused.grad is not None
    assert fused.grad.abs().sum(1).all()
    assert mean.grad is None


def test_bins_need_a_head_that_has_them() -> None:
    SoftBins().check(BinHead(4))
    SoftScore().check(ScoreHead(4))
    message = (
        r"^Soft targets over bins \(distiller=soft_bins\) need a student that predicts bins, and this one"
        r" has a ScoreHead\. Set net=pooled_bins, or distiller=soft_score\.$"
    )
    with pytest.raises(ValueError, match=message):
        SoftBins().check(ScoreHead(4))


def test_order_is_asked_of_pairs_that_the_teacher_tells_apart() -> None:
    target = torch.tensor([0.1, 0.5, 0.5])
    score = torch.tensor([0.4, 0.3, 0.9])
    by_hand = sum(
        max(0.0, 0.2 - math.copysign(1, t_i - t_j) * (s_i - s_j))
        for s_i, t_i in zip(score.tolist(), target.tolist(), strict=True)
        for s_j, t_j in zip(score.tolist(), target.tolist(), strict=True)
        if t_i != t_j
    )
    assert float(rank_loss(score, target, 0.2)) == pytest.approx(by_hand / 6, rel=1e-5)


def test_labels_teach_those_who_are_no_better_than_the_teacher() -> None:
    mos = torch.tensor([0.5, 0.5, 0.5, math.nan])
    teacher = torch.tensor([0.6, 0.6, 0.6, 0.6])
    score = torch.tensor([0.75, 0.55, 0.48, 0.1])
    assert counted(score, mos, teacher, None).tolist() == [True, True, True, False]
    assert counted(score, mos, teacher, 0.0).tolist() == [True, False, False, False]
    assert counted(score, mos, teacher, 0.06).tolist() == [True, True, False, False]


def test_a_hint_is_learnt_by_its_adapter_and_the_student_alone() -> None:
    student = torch.randn(4, 3, requires_grad=True)
    teacher = torch.randn(4, 5, requires_grad=True)
    hint, none = Hint(3, 5), torch.zeros(4)
    result = hint(prediction(none, student), prediction(none, teacher), none)
    result.terms["hint"].backward()
    assert all(p.grad is not None and p.grad.any() for p in hint.parameters())
    assert student.grad is not None
    assert teacher.grad is None
