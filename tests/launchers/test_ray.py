"""Jobs of a multirun on Ray."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.launchers.jobs import ALONE, needs, train


@pytest.mark.slow
def test_ray_runs_a_job_of_a_multirun(tmp_path: Path, fake_data: Path) -> None:
    needs("hydra_ray_launcher")
    words = [*ALONE, f"data.root={fake_data / 'tid2013'}", "launcher=ray", "seed=5"]
    done = train("-m", *words, f"hydra.sweep.dir={tmp_path / 'swept'}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "swept/0/results.json").read_text())["seed"] == 5
