"""Small jobs of ``kdiqa.train`` in processes of their own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import STUDENT
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
TWO = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")
ALONE = (*STUDENT, "distill=false", "trainer.max_epochs=1", "module.net.backbone.weights=random")
ON_TWO = (*[word for word in ALONE if word != "trainer=cpu"], *TWO)


def needs(plugin: str) -> None:
    """Skips where a plugin of the extra ``sweep`` is not installed."""
    if importlib.util.find_spec(f"hydra_plugins.{plugin}") is None:
        pytest.skip(f'{plugin} is not installed: pip install "kdiqa[sweep]"')


def train(
    *words: str, cwd: Path, begin: tuple[str, ...] = (sys.executable,), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder and returns what it said."""
    known = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [*begin, "-m", "kdiqa.train", *words],
        cwd=cwd, env=known, timeout=PATIENCE, capture_output=True, text=True, check=False,
    )  # fmt: skip
