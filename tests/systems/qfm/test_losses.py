"""The contrast of the first version, beside its equation written out."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from kdiqa.systems.qfm.losses import QualityContrast


def test_contrast_is_its_equation() -> None:
    torch.manual_seed(0)
    feature, keys, gap = torch.randn(6, 8), torch.randn(20, 8), torch.rand(6, 20)
    gap[0, 3] = torch.inf  # the same image
    gap[5] = 0.9  # no positive: counts nothing
    gap[4] = 0.01  # no negative: likewise
    losses = []
    for i in range(4):
        cosine = [float(F.cosine_similarity(feature[i], key, dim=0)) for key in keys]
        positive = [c for c, g in zip(cosine, gap[i], strict=True) if g <= 0.2]
        negative = sorted(c for c, g in zip(cosine, gap[i], strict=True) if 0.2 < g < 2)[-3:]
        up = sum(math.exp(c / 0.1) for c in positive)
        losses.append(-math.log(up / (up + sum(math.exp(c / 0.1) for c in negative))))
    result = QualityContrast(delta=0.2, negatives=3, temperature=0.1, weight=0.5)(
        feature, keys, gap
    )
    torch.testing.assert_close(result, torch.tensor(0.5 * sum(losses) / 4))


def test_rows_that_count_nothing_leave_the_gradient_finite() -> None:
    feature = torch.randn(3, 8, requires_grad=True)
    QualityContrast()(feature, torch.randn(4, 8), torch.full((3, 4), torch.inf)).backward()
    assert feature.grad is not None
    assert not feature.grad.any()
