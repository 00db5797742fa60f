"""What is killed at random moments ends as what is not; 20 times in make nightly."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.process
@pytest.mark.parametrize(
    ("what", "times"),
    [
        ("training", 2),
        ("bookkeeping", 3),
        pytest.param("training", 20, marks=pytest.mark.slow),
        pytest.param("bookkeeping", 20, marks=pytest.mark.slow),
        pytest.param("study", 20, marks=pytest.mark.slow),
    ],
)
def test_kills_change_nothing(what: str, times: int) -> None:
    command = [sys.executable, "-m", "experiments.faults.kill", "--what", what]
    command += ["--times", str(times), "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.rpartition("runs of a ")[2]
    assert re.fullmatch(rf"{what} ended as the undisturbed one; \d+ kills, seed 1\n", said), said
