"""A scorer's file is read once, whatever it is used for."""

from __future__ import annotations

import pytest
import torch

import kdiqa
from kdiqa.bundled import MODELS
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.scorer.loss import QualityLoss
from kdiqa.scorer.metric import QualityMetric
from kdiqa.scorer.quality_map import quality_map
from tests.fakes import picture
from tests.reads import counted

SYNTHETIC = MODELS["synthetic"]


def test_a_scorers_file_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = counted(monkeypatch)
    scorer = kdiqa.load("synthetic")
    scorer.score(picture(0))
    scorer.map(picture(0), tile=32)
    scorer.as_metric().update([picture(0)])
    scorer.as_loss()(torch.rand(1, 3, 40, 40))
    assert reads == {SYNTHETIC: 1}


def test_a_checkpoint_that_was_read_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint.read(SYNTHETIC)
    reads = counted(monkeypatch)
    assert kdiqa.load(checkpoint).digest == kdiqa.load(SYNTHETIC).digest
    assert reads == {SYNTHETIC: 1}


def test_metric_loss_and_map_take_a_path_or_a_predictor(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, image, scorer = counted(monkeypatch), picture(0, 64, 64), kdiqa.load("synthetic")
    assert quality_map(SYNTHETIC, image).score == scorer.map(image).score
    metrics = QualityMetric(str(SYNTHETIC)), scorer.as_metric()
    for metric in metrics:
        metric.update([image])
    assert metrics[0].compute() == metrics[1].compute()
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    assert QualityLoss(SYNTHETIC)(pixels) == scorer.as_loss()(pixels)
    assert reads == {SYNTHETIC: 4}
