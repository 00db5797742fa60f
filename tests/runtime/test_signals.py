"""A run that is asked to stop prints how to go on, and goes on to the same end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kdiqa.runtime.signals import Stopped, reason, stoppable
from tests.runs import TEACHER
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
TINY = (
    *("data=tid2013", "backbone=log_filters", "distill=false", "module.net.depth=1"),
    *("module.net.distorted_depth=1", "module.net.dim=8", "num_crops=1", "crop_size=48"),
    *("data.num_workers=0", "data.batch_size=8", "trainer=cpu", "callbacks.progress=null"),
)
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGUSR1: 138}


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kdiqa.train", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.process
@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_run_that_is_asked_to_stop_keeps_its_epochs_and_goes_on(
    number: signal.Signals, tmp_path: Path, fake_data: Path
) -> None:
    folder = tmp_path / "a run"
    root = f"data.root={fake_data / 'tid2013'}"
    words = [*TINY, root, "module.scheduler.T_max=9", "trainer.max_epochs=100000"]
    process = start(*words, f"run='{folder}'")
    last = folder / "checkpoints" / "last.ckpt"
    until(last.exists, process)
    process.send_signal(number)
    err = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == CODES[number], err
    what = "Interrupted" if number == signal.SIGINT else number.name
    typed = " ".join(f"'{word}'" if "(" in word else word for word in words)
    assert err.endswith(
        f"\n{what}. Continue with:\n  python -m kdiqa.train {typed}"
        f""" 'run='"'"'{folder}'"'"'' resume=true\n"""
    )
    assert "Traceback" not in err
    if number != signal.SIGTERM:
        return  # one that goes on is enough
    reached = torch.load(last, weights_only=True)["epoch"]
    fewer = f"trainer.max_epochs={reached + 2}"
    process = start(*words[:-1], fewer, f"run='{folder}'", "resume=true")
    err = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0, err
    assert torch.load(last, weights_only=True)["epoch"] == reached + 1


@pytest.mark.process
def test_a_run_stops_the_job_that_it_waits_for(tmp_path: Path, fake_data: Path) -> None:
    words = [word for word in TEACHER if word.split("=")[0] not in ("data", "module", "net")]
    own = ("module.net.depth=4", "module.net.distorted_depth=2", "num_crops=2", "crop_size=32")
    assert set(own) <= set(words)
    overrides = ",".join(
        f"'{word}'"
        for word in (
            *("backbone=log_filters", "module.net.backbone.pyramid.levels=4", "trainer=cpu"),
            *("trainer.max_epochs=100000", "callbacks.progress=null", "crop_size=48"),
            f"data.root={fake_data / 'tid2013'}",
        )
    )
    folder = tmp_path / "run"
    process = start(
        *(word for word in TINY if word != "distill=false"),
        *(f"data.root={fake_data / 'tid2013'}", "teacher=train", f"run={folder}"),
        *("teacher_experiment=teacher_tid2013", f"teacher_overrides=[{overrides}]"),
    )
    until((folder / "teacher" / "checkpoints" / "last.ckpt").exists, process)
    (pid,) = (int(word) for word in (folder / "teacher" / ".lock").read_text().split())
    process.send_signal(signal.SIGTERM)
    err = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 143, err
    assert err.count("Continue with:") == 1
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_signals_stop_only_inside_and_only_where_nobody_else_waits_for_them() -> None:
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)  # a library may have left its own handler
    before = [signal.SIG_DFL] * 2
    heard: list[int] = []
    with pytest.raises(Stopped, match=r"^SIGTERM$") as caught, stoppable():
        os.kill(os.getpid(), signal.SIGTERM)
    assert reason(caught.value) == signal.SIGTERM
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)] == before
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before[0])
    assert heard == [signal.SIGTERM]


def test_the_signal_is_known_through_lightnings_own_exit() -> None:
    def interrupted() -> None:
        try:
            raise Stopped(signal.SIGUSR1)
        except KeyboardInterrupt:
            sys.exit(1)  # as Lightning does

    with pytest.raises(SystemExit, match=r"^1$") as caught:
        interrupted()
    assert reason(caught.value) == signal.SIGUSR1
    assert reason(KeyboardInterrupt()) == signal.SIGINT
