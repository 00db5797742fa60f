"""Runs a study's jobs: several at once, each once, whatever was interrupted before."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kdiqa.files.lock import JobLock
from kdiqa.runtime.devices import share
from kdiqa.runtime.launch import PART_OF_A_RUN, RANK_VARIABLES
from kdiqa.study import state
from kdiqa.study.plan import Job

POLL = 0.2  # seconds between two checks of the jobs
BEAT = 20.0  # seconds between two signs of life in the lock files
PATIENCE = 30.0  # seconds a job has to close its files after Ctrl-C
TAIL = 12  # lines of a failed job's log that are shown

Command = Callable[["Task"], list[str]]


@dataclass
class Task:
    """A job on its way."""

    job: Job
    folder: Path  # its run folder
    config: state.Flat  # what it is to be trained with
    lock: JobLock
    roots: Mapping[str, str] = field(default_factory=dict)  # where the data sets lie, by name
    teacher: Task | None = None
    stale: bool = False  # its folder holds a run of another configuration or another teacher
    state: str = "waiting"  # running, elsewhere, done, failed, blocked
    process: subprocess.Popen[bytes] | None = None
    slot: int = 0
    began: float = 0.0
    seconds: float | None = None
    students: list[Task] = field(default_factory=list)

    @property
    def teacher_state(self) -> str:
        """Its teacher's state; that of a task without a teacher is done."""
        return "done" if self.teacher is None else self.teacher.state

    @property
    def ready(self) -> bool:
        """Whether it only waits for its turn."""
        return self.state == "waiting" and self.teacher_state == "done"

    @property
    def log(self) -> Path:
        """What the job prints."""
        return self.folder / "job.log"

    def tail(self) -> str:
        """Returns the last lines of the log."""
        text = self.log.read_text(errors="replace") if self.log.is_file() else ""
        return "\n".join(text.rstrip().splitlines()[-TAIL:])


@dataclass
class Runner:
    """Starts what can start, watches what runs, and leaves nothing behind."""

    tasks: Sequence[Task]  # in the order of their start
    command: Command
    num_jobs: int  # at once
    limit: int | None  # the most jobs to start now; None for all
    devices: Sequence[str]  # of CUDA, one a job in turn; none leaves the choice to the jobs
    threads: int | None  # of each job on the CPU; None leaves it to the environment
    replaced: Path  # in the study's logs: where runs of another configuration are moved to
    started: int = 0
    beaten: float = field(default_factory=time.monotonic)

    def run(self, watch: Callable[[], None]) -> None:
        """Runs all that can be run, and calls ``watch`` at every check.

        Raises:
            KeyboardInterrupt: On Ctrl-C, or when the process is told to end; the jobs have then
                been stopped as Ctrl-C stops them.
        """
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            while self.step():
                watch()
                time.sleep(POLL)
            watch()
        except BaseException:
            self.stop()
            watch()
            raise
        finally:
            signal.signal(signal.SIGTERM, before)

    def step(self) -> bool:
        """Checks all jobs once and starts what can start; returns whether there is more."""
        self.beat()
        for task in self.tasks:
            if task.state == "running":
                self.collect(task)
            elif task.state == "elsewhere" and task.lock.holder() is None:
                task.state = "done" if is_done(task) else "waiting"
        for task in self.tasks:
            if task.ready and self.free():
                self.start(task)
            elif task.state == "waiting" and task.teacher_state in ("failed", "blocked"):
                task.state = "blocked"
        busy = any(task.state in ("running", "elsewhere") for task in self.tasks)
        return busy or (self.free() and any(task.ready for task in self.tasks))

    def free(self) -> bool:
        """Returns whether one more job may start."""
        running = sum(task.state == "running" for task in self.tasks)
        return running < self.num_jobs and (self.limit is None or self.started < self.limit)

    def start(self, task: Task) -> None:
        """Starts a task, unless another runner has it or has finished it."""
        if not task.lock.take():
            task.state = "elsewhere"
            return
        if task.stale or state.changes(task.folder, task.config):
            self.archive(task)
        if is_done(task):  # by another runner, a moment ago
            task.state = "done"
            task.lock.release()
            return
        task.folder.mkdir(parents=True, exist_ok=True)
        words = self.command(task)
        used = {other.slot for other in self.tasks if other.state == "running"}
        task.slot = next(slot for slot in range(self.num_jobs) if slot not in used)
        with task.log.open("ab") as log:
            log.write(f"$ {' '.join(words)}\n".encode())
            log.flush()
            task.process = subprocess.Popen(
                words,
                env=self.environment(task.slot),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches it through us, once
            )
        task.lock.share(task.process.pid)
        task.state, task.began = "running", time.monotonic()
        self.started += 1

    def environment(self, slot: int) -> dict[str, str]:
        """Returns the environment of a job: no rank of ours, its own device."""
        variables = {key: value for key, value in os.environ.items() if key not in RANK_VARIABLES}
        variables[PART_OF_A_RUN] = "1"
        variables.setdefault("WANDB_RUN_GROUP", self.replaced.parent.name)  # a study is a group
        if self.threads is not None:
            variables["OMP_NUM_THREADS"] = str(self.threads)
        if self.devices:
            variables["CUDA_VISIBLE_DEVICES"] = ",".join(share(self.devices, slot))
        return variables

    def archive(self, task: Task) -> None:
        """Moves what a task's folder holds away; its students' first, as they learnt from it."""
        for student in task.students:
            if student.folder.is_dir() and student.lock.holder() is None:
                self.archive(student)
        task.stale = False
        if task.folder.is_dir():
            targets = (self.replaced / str(i) / task.job.subfolder for i in itertools.count())
            target = next(path for path in targets if not path.exists())
            target.parent.mkdir(parents=True, exist_ok=True)
            task.folder.rename(target)

    def collect(self, task: Task) -> None:
        """Looks whether a running task has ended."""
        assert task.process is not None
        code = task.process.poll()
        if code is None:
            return
        complete = code == 0 and state.results(task.folder) is not None
        task.state = "done" if complete else "failed"
        task.seconds = time.monotonic() - task.began
        task.lock.release()

    def beat(self) -> None:
        """Renews the lock files of what runs, now and then."""
        if time.monotonic() - self.beaten > BEAT:
            self.beaten = time.monotonic()
            for task in self.tasks:
                if task.state == "running":
                    task.lock.beat()

    def stop(self) -> None:
        """Stops all running jobs as Ctrl-C would, and by force those that do not listen."""
        running = [task for task in self.tasks if task.state == "running"]
        for task in running:
            _send(task, signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        for task in running:
            assert task.process is not None
            try:
                task.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _send(task, signal.SIGKILL)
                task.process.wait()
            task.state = "done" if state.results(task.folder) is not None else "waiting"
            task.lock.release()


def is_done(task: Task) -> bool:
    """Returns whether a task's folder holds a finished run of its configuration."""
    finished = not task.stale and state.results(task.folder) is not None
    return finished and not state.changes(task.folder, task.config)


def _send(task: Task, message: signal.Signals) -> None:
    """Sends a signal to a job and to the processes that it started itself."""
    assert task.process is not None
    with suppress(ProcessLookupError):  # it has just ended
        os.killpg(task.process.pid, message)
