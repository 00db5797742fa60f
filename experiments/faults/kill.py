"""Kills trainings and studies at random moments and looks whether they end as undisturbed ones.

    python -m experiments.faults.kill --what training --times 20 --seed 0
    python -m experiments.faults.kill --what study --times 20 --seed 0
    python -m experiments.faults.kill --what bookkeeping --times 20 --seed 0

A training is killed once, at a moment drawn evenly over its undisturbed length or shortly after one
of its files appears or changes, and then run again to its end. A study is killed four times in a
row, its runner alone or all its processes together, before it may end; ``bookkeeping`` is a study of
ten jobs that count and train nothing, each run killed once. What must be equal, to the
last bit: the metrics, both tables of predictions, both checkpoints' weights and optimizer, and the
curves. Exit code 1 if one is not. Trainings and runners are forked from this process, which has
loaded the libraries; a study's jobs are programs of their own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from experiments.faults.outcome import outcome
from kdiqa import train
from kdiqa.files.lock import is_alive
from kdiqa.study.__main__ import main as run_study
from tests.fakes.synthetic import write_tid2013
from tests.study import fake

TINY = (
    *("backbone=log_filters", "module.net.backbone.pyramid.levels=4", "module.net.dim=16"),
    *("crop_size=64", "num_crops=1", "trainer=cpu", "trainer.max_epochs=4"),
)
TRAINING = (
    *("data=tid2013", "distill=false", "module.net.depth=2", "module.net.distorted_depth=1"),
    *("data.num_workers=0", "data.batch_size=8", "callbacks.progress=null", *TINY),
)
STUDY = """
experiment: akd_tid2013_small
overrides: [{words}]
needs: [tid2013]
baseline: alone
teachers:
  teacher: {{experiment: teacher_tid2013, overrides: [{words}]}}
variants:
  alone: [distill=false]
  taught: {{teacher: teacher, overrides: ["module.distiller.levels=[0,1,2,3]"]}}
"""
JOBS = ("teacher", "alone", "taught")
FILES = (
    *(".hydra/config.yaml", "config_resolved.yaml", "metrics.csv", "checkpoints/best.ckpt"),
    *("checkpoints/last.ckpt", "predictions/val.csv", "results.json"),
)
LATE = " (too late)"  # the run had ended by then: it does not count as killed
SHORTER = 0.8  # the moments that are drawn from then on: the machine is faster than it was
SHORTLY = 0.2  # seconds after a file changed


def main() -> int:
    """Kills, compares, prints a line a run, and returns the exit code."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("--what", choices=list(TRIALS), default="training")
    made.add_argument("--times", type=int, default=20, help="kills; of a study, four a run")
    made.add_argument("--seed", type=int, default=0, help="of the moments")
    options = made.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_tid2013(home / "tid2013")
        trial, kills = TRIALS[options.what]
        whole, seconds, _ = trial(home, "whole", draw, 0, 0.0)
        killed = runs = equal = 0
        while killed < options.times:
            found, _, moments = trial(home, f"killed_{runs}", draw, kills, seconds)
            different = sorted(name for name in whole if found.get(name) != whole[name])
            hit = sum(LATE not in moment for moment in moments)
            killed, runs, equal = killed + hit, runs + 1, equal + (not different)
            seconds *= 1.0 if hit else SHORTER
            print(f"{runs}: killed {', '.join(moments)}; {told(different)}", flush=True)
    print(
        f"{equal} of {runs} runs of a {options.what} ended as the undisturbed one; {killed} kills,"
        f" seed {options.seed}"
    )
    return int(equal != runs)


def told(different: list[str]) -> str:
    """Returns a comparison's outcome in words."""
    return f"DIFFERENT: {', '.join(different)}" if different else "equal"


def training(
    home: Path, name: str, draw: random.Random, kills: int, seconds: float
) -> tuple[dict[str, Any], float, list[str]]:
    """Returns what a training found, how long it took and when it was killed."""
    folder = home / name
    words = [*TRAINING, f"data.root={home / 'tid2013'}", f"run={folder}", "resume=true"]
    began = time.monotonic()
    moments = [kill(train.main, words, home, [folder], draw, seconds) for _ in range(kills)]
    finish(train.main, words, home)
    return outcome(folder), time.monotonic() - began, moments


def study(
    home: Path, name: str, draw: random.Random, kills: int, seconds: float
) -> tuple[dict[str, Any], float, list[str]]:
    """Returns what a study's jobs found, how long it took and when it was killed."""
    folder = home / name
    folder.mkdir()
    words = ", ".join((*TINY, f"cache.folder={home / name / 'features'}", "cache.views=2"))
    (folder / "study.yaml").write_text(STUDY.format(words=words))
    words = [str(folder), "--logs", str(folder / "logs"), f"root.tid2013={home / 'tid2013'}"]
    runs = [folder / "logs" / job / "split_0_seed_0" for job in JOBS]
    began = time.monotonic()
    moments = [kill(run_study, words, home, runs, draw, seconds) for _ in range(kills)]
    finish(run_study, words, home)
    found = {
        f"{job} {part}": value
        for job, run in zip(JOBS, runs, strict=True)
        for part, value in outcome(run).items()
    }
    again = (folder / "logs" / "replaced").exists()
    return found | {"run anew": again}, time.monotonic() - began, moments


def bookkeeping(
    home: Path, name: str, draw: random.Random, kills: int, seconds: float
) -> tuple[dict[str, Any], float, list[str]]:
    """Returns what a study of quick jobs found, how long it took and when it was killed."""
    folder = fake.write(home / name / "study")
    words = [str(folder), "--logs", str(folder / "logs"), "--jobs", "2"]

    def command() -> int:
        return run_study(words, fake.quick(0.3))

    runs = [
        folder / "logs" / "taught" / "split_1_seed_1",
        folder / "logs" / "teacher/split_0_seed_0",
    ]
    began = time.monotonic()
    moments = [kill(command, words, home, runs, draw, seconds) for _ in range(kills)]
    finish(command, words, home)
    found = {file: (folder / file).read_text() for file in ("results.json", "results.md")}
    again = (folder / "logs" / "replaced").exists()
    return found | {"run anew": again}, time.monotonic() - began, moments


TRIALS: dict[str, tuple[Callable[..., Any], int]] = {
    "training": (training, 1),
    "study": (study, 4),
    "bookkeeping": (bookkeeping, 1),
}
"""What is killed, and how often a run of it."""


def begin(command: Callable[[], Any], words: list[str], home: Path) -> Any:
    """Returns the process that runs a command with words, begun."""

    def work() -> None:
        os.setsid()
        log = os.open(home / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.argv[1:] = words
        sys.exit(command())

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def kill(
    command: Callable[[], Any],
    words: list[str],
    home: Path,
    runs: list[Path],
    draw: random.Random,
    seconds: float,
) -> str:
    """Begins a command, kills it, and returns when, in words."""
    process = begin(command, words, home)
    if draw.random() < 0.5:
        delay = draw.uniform(0, seconds)
        process.join(delay)
        moment = f"after {delay:.1f} s"
    else:
        file, delay = draw.choice(runs) / draw.choice(FILES), draw.uniform(0, SHORTLY)
        before, deadline = stamp(file), time.monotonic() + seconds
        while stamp(file) == before and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(delay)
        moment = f"{delay:.2f} s after {file.parent.name}/{file.name}"
    together = draw.random() < 0.5
    jobs = children(process.pid) if together else []
    process.kill()
    process.join()
    for job in jobs:
        with suppress(ProcessLookupError):
            os.kill(job, signal.SIGKILL)
    return moment if process.exitcode == -signal.SIGKILL else f"{moment}{LATE}"


def finish(command: Callable[[], Any], words: list[str], home: Path) -> None:
    """Runs a command to its end.

    Raises:
        RuntimeError: If it fails.
    """
    process = begin(command, words, home)
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{' '.join(words)}\n{(home / 'log.txt').read_text()}")


def stamp(file: Path) -> int:
    """Returns when a file was last written; 0 where there is none."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def children(pid: int) -> list[int]:
    """Returns the living processes that a process has started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(word) for word in path.read_text().split() if is_alive(int(word), None)]
    except FileNotFoundError:
        return []


if __name__ == "__main__":
    raise SystemExit(main())
