"""The distillers: what they compare, and whose gradient they make."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from kdiqa.batch import Prediction
from kdiqa.systems.akd.adaptive import GateWeighting
from kdiqa.systems.akd.distiller import CrossLevelDistiller, LevelDistiller, paired_blocks
from kdiqa.systems.akd.weighting import (
    FixedWeighting,
    SoftmaxWeighting,
    SoftplusWeighting,
    UncertaintyWeighting,
    Weighting,
)
from kdiqa.training.distiller import CombinedDistiller, FusedDistiller, ScoreDistiller

DISTILLERS: dict[str, Callable[[], nn.Module]] = {
    "softmax": lambda: LevelDistiller(SoftmaxWeighting(), "squared"),
    "softplus": lambda: LevelDistiller(SoftplusWeighting(), "absolute"),
    "uncertainty": lambda: LevelDistiller(UncertaintyWeighting(), "cosine"),
    "gate": lambda: LevelDistiller(GateWeighting(), "relational"),
    "distorted": lambda: LevelDistiller(Weighting(), "squared", feature="distorted"),
    "stride2": lambda: LevelDistiller(Weighting(), "squared", layer_map="stride2"),
    "cross_level": lambda: CrossLevelDistiller(batch_size=3),
    "score": lambda: ScoreDistiller(),
    "combined": lambda: CombinedDistiller(
        {"a": ScoreDistiller(), "b": FusedDistiller()}, {"a": 0.5}
    ),
}


def prediction(depth: int, distorted: int, batch: int = 3) -> Prediction:
    return Prediction(
        torch.rand(batch, requires_grad=True),
        torch.randn(depth, 4, batch, 49, 64, requires_grad=True),
        torch.randn(distorted, 4, batch, 49, 64, requires_grad=True),
        torch.randn(batch, 256, requires_grad=True),
    )


@pytest.mark.parametrize("name", DISTILLERS)
def test_distiller_trains_all_it_owns_and_nothing_of_the_teacher(name: str) -> None:
    torch.manual_seed(0)
    distiller = DISTILLERS[name]()
    student, teacher = prediction(4, 2), prediction(8, 4)
    result = distiller(student, teacher, torch.rand(3))
    total = torch.stack(list(result.terms.values())).sum()
    total.backward()
    assert total.dtype == torch.float32
    for parameter_name, parameter in distiller.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.any(), parameter_name
    assert any(tensor.grad is not None for tensor in student if tensor is not None)
    if name != "combined":
        assert all(tensor.grad is None for tensor in teacher if tensor is not None)


def test_level_term_is_the_formula_written_out() -> None:
    student, teacher = prediction(4, 2), prediction(8, 4)
    weights = [0.4, 0.3, 0.2, 0.1]
    result = LevelDistiller(FixedWeighting(weights), "squared")(student, teacher, torch.rand(3))
    assert student.difference is not None
    assert teacher.difference is not None
    total = 0.0
    for level, weight in enumerate(weights):
        for k in range(4):
            gap = student.difference[k, level] - teacher.difference[k + 4, level]
            total = total + weight * gap.square().mean()
    torch.testing.assert_close(result.terms["level"], total)


def test_single_level_is_that_level_alone() -> None:
    student, teacher = prediction(4, 2), prediction(8, 4)
    alone = LevelDistiller(Weighting(), "squared", levels=[2])
    whole = LevelDistiller(FixedWeighting([0.0, 0.0, 1.0, 0.0]), "squared")
    args = (student, teacher, torch.rand(3))
    torch.testing.assert_close(alone(*args).terms["level"], whole(*args).terms["level"])
    assert set(alone(*args).watched) == {"loss_level2", "weight_level2"}


@pytest.mark.parametrize("count", [0, 1, 4])
def test_last_blocks_are_the_ones_distilled(count: int) -> None:
    ours, theirs = paired_blocks(4, 8, "last", count)
    assert ours == list(range(4 - count, 4))
    assert theirs == list(range(8 - count, 8))
    distiller = LevelDistiller(Weighting(), "squared", num_blocks=count, reduce="mean")
    assert distiller(prediction(4, 2), prediction(8, 4), torch.rand(3)).terms["level"].isfinite()


def test_layer_maps_are_the_official_ones() -> None:
    assert paired_blocks(18, 36, "last") == (list(range(18)), list(range(18, 36)))
    assert paired_blocks(18, 36, "stride2") == (list(range(18)), list(range(1, 36, 2)))


def test_shallow_teacher_is_refused() -> None:
    message = (
        r"^A student of 18 blocks, a teacher of 18, distiller.num_blocks=None and"
        r" distiller.layer_map=stride2 do not fit: the teacher needs at least 36 blocks, and"
        r" num_blocks is at most 18.$"
    )
    with pytest.raises(ValueError, match=message):
        paired_blocks(18, 18, "stride2")


def test_cross_level_refuses_another_batch_size() -> None:
    message = (
        r"^distiller\.batch_size is 2 and a process got 3 images: set it to data\.batch_size, and use"
        r" no accumulation of unequal batches\.$"
    )
    with pytest.raises(ValueError, match=message):
        CrossLevelDistiller(batch_size=2)(prediction(4, 2), prediction(8, 4), torch.rand(3))


def test_nets_of_different_width_are_refused() -> None:
    student, teacher = prediction(4, 2), prediction(8, 4)
    assert teacher.difference is not None
    teacher = teacher._replace(difference=teacher.difference[..., :32])
    message = (
        r"^The student's difference features are \(4, 4, 3, 49, 64\) \(blocks, levels, batch, tokens,"
        r" width\) and the teacher's \(4, 4, 3, 49, 32\)\. Give both nets the same net\.dim,"
        r" net\.crop_fusion, num_crops and backbone\.pyramid\.grid\.$"
    )
    with pytest.raises(ValueError, match=message):
        LevelDistiller(Weighting(), "squared")(student, teacher, torch.rand(3))
