"""From data to student in one command: the teacher first, the comparisons beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import STUDENT, TEACHER, write_weights
from tests.waiting import PATIENCE

GROUPS = ("data", "module", "net", "second", "distiller", "backbone", "trainer")


@pytest.mark.process
def test_one_command_trains_teacher_comparison_and_student_and_does_nothing_twice(
    tmp_path: Path, fake_data: Path
) -> None:
    weights = write_weights(tmp_path / "weights.pth")
    common = [f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}"]
    # The teacher's own experiment on its own data, made tiny.
    tiny = [word for word in TEACHER if "=" in word and word.split("=")[0] not in GROUPS]
    tiny += [f"data.root={fake_data / 'kadid10k'}", common[1], "backbone=mobilenetv2_100"]
    told = ",".join(f"'{word}'" for word in tiny)
    folder = tmp_path / "a run"
    words = [
        *STUDENT,
        *common,
        "trainer.max_epochs=1",
        "teacher=train",
        "teacher_experiment=teacher_kadid10k",
        f"teacher_overrides=[{told}]",
        "compare={alone:['distill=false']}",
        f"run='{folder}'",
    ]
    command = [sys.executable, "-m", "kdiqa.train", *words]
    first = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert first.returncode == 0, first.stderr
    table = first.stdout[first.stdout.rindex("Held-out test split") :]
    assert all(name in table for name in ("teacher", "alone", "student", "SRCC", "KRCC"))
    runs = [folder, folder / "teacher", folder / "alone"]
    names = [json.loads((run / "results.json").read_text())["name"] for run in runs]
    assert names == ["student", "teacher", "alone"]

    stamps = [(run / "results.json").stat().st_mtime_ns for run in runs]
    command.append("resume=true")
    again = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert again.returncode == 0, again.stderr
    assert [(run / "results.json").stat().st_mtime_ns for run in runs] == stamps


@pytest.mark.process
def test_failing_job_tells_its_own_error_once(tmp_path: Path, fake_data: Path) -> None:
    words = [
        *STUDENT,
        f"data.root={fake_data / 'tid2013'}",
        "module.net.backbone.weights=random",
        *("teacher=train", "teacher_experiment=teacher_tid2013"),
        "teacher_overrides=['data.root=/nowhere']",
        f"run={tmp_path / 'run'}",
    ]
    command = [sys.executable, "-m", "kdiqa.train", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert done.stderr.count("TID2013 not found in '/nowhere'") == 1
    assert "Traceback" not in done.stderr
