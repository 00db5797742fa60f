"""The loss of a view, beside its equation."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from kdiqa.batch import Prediction
from kdiqa.systems.qfm.distiller import ViewDistiller


def prediction(seed: int, width: int = 8) -> Prediction:
    at = torch.Generator().manual_seed(seed)
    score, fused = torch.randn(5, generator=at), torch.randn(5, width, generator=at)
    return Prediction(score.requires_grad_(), None, None, fused.requires_grad_())


def test_terms_are_the_equation_and_nothing_of_the_teacher_moves() -> None:
    student, teacher = prediction(0), prediction(1)
    terms = ViewDistiller(beta=0.5, semantic=0.1)(student, teacher, torch.zeros(5)).terms
    gap = (student.score - teacher.score).abs()
    plain = torch.where(gap < 0.5, gap.square(), gap - 0.25).mean()
    torch.testing.assert_close(terms["view_score"], plain)
    cosine = F.cosine_similarity(student.fused, teacher.fused, dim=1)
    torch.testing.assert_close(terms["view_semantic"], 0.1 * (1 - cosine).mean())
    (terms["view_score"] + terms["view_semantic"]).backward()
    assert teacher.score.grad is None
    assert teacher.fused.grad is None
    assert student.fused.grad is not None


def test_another_width_is_explained() -> None:
    message = (
        r"^The student's semantic vectors are \(5, 8\) and the teacher's \(5, 4\). Give both the same"
        r" module.net.dim, or set module.distiller.semantic=0 and distiller=score.$"
    )
    with pytest.raises(ValueError, match=message):
        ViewDistiller()(prediction(0), prediction(1, 4), torch.zeros(5))
