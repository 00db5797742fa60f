"""A study whose jobs are over in a moment: ``python -m tests.study.fake STUDY … --seconds S``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from kdiqa.study.__main__ import main
from kdiqa.study.runner import Task

WORKER = Path(__file__).parents[1] / "fakes" / "worker.py"
STUDY = """
experiment: akd_demo
overrides: [trainer=cpu]
splits: [0, 1]
seeds: [0, 1]
baseline: alone
teachers:
  teacher: {experiment: teacher_demo, seeds: [0]}
variants:
  alone: [distill=false]
  taught: {teacher: teacher}
"""
SCORES = {"teacher": 0.9, "alone": 0.5, "taught": 0.6, "broken": -1.0}


def write(folder: Path, text: str = STUDY) -> Path:
    """Writes a study's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(text)
    return folder


def quick(seconds: float) -> Callable[[Task], list[str]]:
    """Returns what makes the command of a fake job that takes so long."""

    def command(task: Task) -> list[str]:
        job = task.job
        score = SCORES[job.variant.name]
        if score > 0:
            score += 0.01 * job.split + 0.001 * job.seed
        config = json.dumps(task.config)
        return [
            sys.executable,
            "-S",
            str(WORKER),
            str(task.folder),
            str(score),
            str(seconds),
            config,
        ]

    return command


if __name__ == "__main__":
    place = sys.argv.index("--seconds")
    raise SystemExit(main(sys.argv[1:place], quick(float(sys.argv[place + 1]))))
