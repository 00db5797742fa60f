"""How fast an epoch's training went, without what Lightning does before the epoch's end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kdiqa.training.callbacks import epochs
from kdiqa.training.callbacks.epochs import Throughput


def test_rate_and_wait_are_of_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(epochs.time, "perf_counter", lambda: now[0])
    logged: dict[str, float] = {}
    module: Any = SimpleNamespace(log_dict=logged.update)
    trainer: Any = SimpleNamespace(world_size=2)
    batch = {"index": torch.arange(8)}
    callback = Throughput()
    callback.on_train_epoch_start(trainer, module)
    for number in range(3):
        now[0] += 1  # waiting for data
        callback.on_train_batch_start(trainer, module, batch, number)
        now[0] += 4
        callback.on_train_batch_end(trainer, module, None, batch, number)
    now[0] += 100  # validation
    callback.on_train_epoch_end(trainer, module)
    assert logged == {"perf/img_per_s": 2 * 24 / 15, "perf/data_wait": 3 / 15}
