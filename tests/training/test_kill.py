"""What is killed at random moments ends as what is not; 20 times by experiments/faults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.process
@pytest.mark.parametrize("what", ["training", "bookkeeping"])
def test_three_kills_change_nothing(what: str) -> None:
    command = [sys.executable, "-m", "experiments.faults.kill", "--what", what]
    command += ["--times", "3", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(
        f"runs of a {what} ended as the undisturbed one; 3 kills, seed 1\n"
    )
