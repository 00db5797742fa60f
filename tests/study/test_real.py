"""A study of tiny nets that really train ends in the same numbers however often it is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import STUDENT, TEACHER, write_weights
from tests.study.fake import write
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]


def study(fake_data: Path, weights: Path) -> str:
    def listed(words: tuple[str, ...]) -> str:
        kept = [w for w in words if not w.startswith(("name=", "callbacks."))]
        return json.dumps([*kept, f"module.net.backbone.weights={weights}"])

    return f"""
experiment: akd_koniq
needs: [tid2013]
threads: 1
overrides: {listed((*STUDENT, "second=redistorted"))}
baseline: alone
teachers: {{teacher: {{experiment: teacher_kadid10k, overrides: {listed(TEACHER)}}}}}
variants: {{alone: [distill=false], taught: {{teacher: teacher}}}}
"""


@pytest.mark.process
def test_killed_study_of_real_runs_ends_as_the_undisturbed_one(
    tmp_path: Path, fake_data: Path
) -> None:
    text = study(fake_data, write_weights(tmp_path / "weights.pth"))
    folders = [write(tmp_path / name / "tiny", text) for name in ("whole", "killed")]

    def command(folder: Path) -> list[str]:
        root = f"root.tid2013={fake_data / 'tid2013'}"
        logs = str(folder / "logs")
        return [sys.executable, "-m", "kdiqa.study", str(folder), root, "--logs", logs]

    quiet = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command(folders[0]), check=False, timeout=PATIENCE, **quiet)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout
    for job, file in (
        ("teacher", "checkpoints/last.ckpt"),
        ("alone", "config_resolved.yaml"),
        ("taught", "predictions/test.csv"),
    ):
        process = subprocess.Popen(command(folders[1]), **quiet)  # type: ignore[call-overload]
        until((folders[1] / "logs" / job / "split_0_seed_0" / file).exists, process)
        process.kill()
        process.communicate()
    done = subprocess.run(command(folders[1]), check=False, timeout=PATIENCE, **quiet)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout
    assert "again" not in done.stdout  # the runs' own configurations are recognised
    tables = [(folder / "results.md").read_text() for folder in folders]
    assert tables[0] == tables[1]
    assert "All jobs." in tables[0]
    found = [json.loads((folder / "results.json").read_text()) for folder in folders]
    assert found[0]["variants"] == found[1]["variants"]
