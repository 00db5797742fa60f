"""Distillers of a student that is built otherwise than its teacher."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from kdiqa.batch import Prediction
from kdiqa.systems.ganiqa.distiller import AdaptedDistiller, BinsDistiller, on_grid
from kdiqa.training.distiller import ScoreDistiller

MOS = torch.rand(3)


def prediction(
    blocks: int = 2, grid: int = 4, crops: int = 1, dim: int = 8, **more: Any
) -> Prediction:
    maps = torch.randn(blocks, 1, 3, crops * grid**2, dim, requires_grad=True)
    return Prediction(torch.rand(3, requires_grad=True), maps, maps, torch.rand(3, dim), **more)


@pytest.mark.parametrize("feature", ["distorted", "difference"])
def test_maps_of_unlike_width_and_grid_are_compared_and_adapters_learn(feature: Any) -> None:
    torch.manual_seed(0)
    student, teacher = prediction(2, grid=3, crops=2), prediction(3, grid=6, crops=2, dim=12)
    distiller = AdaptedDistiller("cosine", 8, 12, 2, feature)
    result = distiller(student, teacher, MOS)
    result.terms["features"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in distiller.parameters())
    assert student.distorted.grad.abs().sum() > 0
    assert teacher.distorted.grad is None
    assert set(result.watched) == {"loss_block0", "loss_block1"}
    watched = sum(result.watched.values())
    torch.testing.assert_close(watched, result.terms["features"].detach())


def test_the_term_is_one_minus_the_cosine_of_adapted_tokens_summed_over_blocks() -> None:
    torch.manual_seed(0)
    student, teacher = prediction(), prediction()
    distiller = AdaptedDistiller("cosine", 8, 8)
    term = distiller(student, teacher, MOS).terms["features"]
    expected = sum(
        (1 - F.cosine_similarity(adapter(ours), theirs, dim=-1)).mean()
        for adapter, ours, theirs in zip(
            distiller.adapters, student.distorted[:, 0], teacher.distorted[:, 0], strict=True
        )
    )
    torch.testing.assert_close(term, expected)


def test_tokens_meet_on_the_smaller_grid_crop_by_crop() -> None:
    x = torch.arange(2 * 3 * 2 * 16 * 5, dtype=torch.float32).view(2, 3, 32, 5)
    result = on_grid(x, 2, 2)
    assert result.shape == (2, 3, 8, 5)
    second = x[1, 2, 16:].view(4, 4, 5)
    torch.testing.assert_close(result[1, 2, 4], second[:2, :2].mean((0, 1)))
    torch.testing.assert_close(result[1, 2, 7], second[2:, 2:].mean((0, 1)))


def test_more_blocks_than_there_are_is_an_error() -> None:
    message = (
        "The distiller compares 2 blocks; the student has 2 and the teacher 1 of distorted. Set"
        " distiller.num_blocks."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        AdaptedDistiller("cosine", 8, 8)(prediction(), prediction(1), MOS)


def test_only_scores_whose_crops_agree_are_learnt_from() -> None:
    student = prediction()
    teacher = prediction(spread=torch.tensor([0.1, 0.5, 0.2]))
    result = ScoreDistiller(standardise=False, max_spread=0.3)(student, teacher, MOS)
    each = F.smooth_l1_loss(student.score, teacher.score, reduction="none")
    torch.testing.assert_close(result.terms["soft_score"], (each[0] + each[2]) / 2)
    torch.testing.assert_close(result.watched["trusted"], torch.tensor(2 / 3))
    none = ScoreDistiller(standardise=False, max_spread=0.0)(student, teacher, MOS)
    assert float(none.terms["soft_score"].detach()) == 0
    message = (
        "The distiller trusts a teacher by how far its scores of an image's crops lie apart"
        " (distiller.max_spread), and this one gives none. Set num_crops to 2 or more with a teacher"
        " that scores crop by crop, or max_spread=null."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ScoreDistiller(max_spread=0.3)(student, prediction(), MOS)


CENTRES = [-1.0, 0.0, 1.0]


def test_bins_diverge_as_kullback_and_leibler_say() -> None:
    student = prediction(logits=torch.randn(3, 3, requires_grad=True))
    teacher = prediction()
    term = BinsDistiller(3, -1.0, 1.0, 0.5)(student, teacher, MOS).terms["soft_bins"]
    target = torch.exp(-((torch.tensor(CENTRES) - teacher.score[:, None]) ** 2) / (2 * 0.5**2))
    target = (target / target.sum(1, keepdim=True)).detach()
    ours = student.logits.softmax(1)
    torch.testing.assert_close(term, (target * (target / ours).log()).sum(1).mean())
    term.backward()
    assert student.logits.grad.abs().sum() > 0


def test_a_teacher_that_says_bins_is_taken_at_its_word() -> None:
    logits = torch.randn(3, 3)
    student, teacher = prediction(logits=logits), prediction(logits=logits + 5.0)
    term = BinsDistiller(3, -1.0, 1.0)(student, teacher, MOS).terms["soft_bins"]
    torch.testing.assert_close(term, torch.tensor(0.0), atol=1e-6, rtol=0)


def test_a_student_without_bins_is_told_what_to_set() -> None:
    message = (
        "The distiller compares bins of scores, and the student's net gives none. Set net.last to"
        " bins (distiller=ganiqa_bins), or take distiller=ganiqa."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BinsDistiller(3, -1.0, 1.0)(prediction(), prediction(), MOS)
