"""Every moment of a training step belongs to one part, and nothing else is counted."""

from __future__ import annotations

import pytest

from bench import step_times
from bench.step_times import REST, StepTimes

FETCH = "[_TrainingEpochLoop].train_dataloader_next"
MOVE = "[Strategy]SingleDeviceStrategy.batch_to_device"
TEACHER = "[Callback]Distillation.on_train_batch_start"
OTHER = "[Callback]EpochSeed.on_train_batch_start"
STEP = "[LightningModule]StudentModule.optimizer_step"
FORWARD = "[Strategy]SingleDeviceStrategy.training_step"
BACKWARD = "[Strategy]SingleDeviceStrategy.backward"
VALIDATION = "[Callback]Predictions.on_validation_start"


class Clock:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(step_times.time, "perf_counter", made)
    return made


def step(times: StepTimes, clock: Clock) -> None:
    def action(name: str, seconds: float) -> None:
        with times.profile(name):
            clock.seconds += seconds

    action(FETCH, 1)
    action(MOVE, 2)
    action(OTHER, 4)
    action(TEACHER, 8)
    with times.profile("run_training_batch"):
        clock.seconds += 16
        with times.profile(STEP):
            clock.seconds += 32
            action(FORWARD, 64)
            action(BACKWARD, 128)
            clock.seconds += 256


EXPECTED = {
    "waiting for data": 1, "transfer": 2, "backbone and teacher": 8, "student and loss": 64,
    "backward": 128, "optimizer": 32 + 256, REST: 4 + 16,
}  # fmt: skip


def test_an_action_inside_another_interrupts_it(clock: Clock) -> None:
    times = StepTimes(skip=0)
    step(times, clock)
    step(times, clock)
    assert times.seconds == {part: 2 * seconds for part, seconds in EXPECTED.items()}
    assert sum(times.seconds.values()) == clock.seconds


def test_first_steps_and_validation_are_not_counted(clock: Clock) -> None:
    times = StepTimes(skip=1)
    step(times, clock)
    step(times, clock)
    with times.profile(VALIDATION):
        clock.seconds += 1000
        with times.profile(MOVE):
            clock.seconds += 1000
    clock.seconds += 1000
    assert times.seconds == EXPECTED


def test_table_is_printed_once_with_shares(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    times = StepTimes(skip=0)
    step(times, clock)
    times.describe()
    told = capsys.readouterr().out
    assert "Where a step's time goes, mean of 1 steps" in told
    assert "128000.0" in told
    assert f"{100 * 128 / sum(EXPECTED.values()):.0f} %" in told
    times.describe()
    assert capsys.readouterr().out == ""
