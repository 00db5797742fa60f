"""What a running study shows: a live table on a terminal, plain lines elsewhere."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Self

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from kdiqa.study import state
from kdiqa.study.runner import Task

STATES = ("done", "running", "elsewhere", "failed")


class Progress:
    """Shows how far a study is, whenever it is called.

    Args:
        tasks: All of them.
        num_jobs: At once, for the time that is left.
        console: Where to; a terminal gets a live table.
    """

    def __init__(self, tasks: Sequence[Task], num_jobs: int, console: Console) -> None:
        self.tasks, self.num_jobs, self.console = tasks, num_jobs, console
        self.shown = [task.state for task in tasks]
        self.scores: dict[int, float] = {}
        live = console.is_terminal
        self.live = Live(console=console, auto_refresh=False, transient=True) if live else None

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def __call__(self) -> None:
        """Shows what has changed since the last call."""
        if self.live:
            self.live.update(self.table(), refresh=True)
            return
        for index, task in enumerate(self.tasks):
            if task.state != self.shown[index]:
                self.shown[index] = task.state
                self.console.print(self.line(task), highlight=False, markup=False, soft_wrap=True)

    def line(self, task: Task) -> str:
        """Returns what has become of a task."""
        done = sum(other.state == "done" for other in self.tasks)
        parts = [f"[{done}/{len(self.tasks)}] {task.state}: {task.job.title}"]
        if task.state == "done":
            parts.append(f"SRCC {self.score(task):.3f}")
        if task.state == "elsewhere":
            parts.append(f"by {task.lock.holder()}, waited for")
        if task.state == "blocked" and task.teacher:
            parts.append(f"its teacher failed: {task.teacher.job.title}")
        if task.seconds is not None:
            parts += [f"{task.seconds:.0f} s", self.left()]
        return ", ".join(part for part in parts if part).replace("[", r"\[", 1)

    def table(self) -> Table:
        """Returns a row a variant: jobs by state and the median SRCC so far."""
        table = Table("", "jobs", *STATES, "SRCC so far", title=self.left() or None)
        for column in table.columns[1:]:
            column.justify = "right"
        for name in dict.fromkeys(task.job.variant.name for task in self.tasks):
            group = [task for task in self.tasks if task.job.variant.name == name]
            counts = Counter(task.state for task in group)
            scores = [self.score(task) for task in group if task.state == "done"]
            median = f"{np.median(scores):.3f}" if scores else "–"
            cells = [str(counts[key] or "") for key in STATES]
            table.add_row(escape(name), str(len(group)), *cells, median)
        table.caption = "; ".join(
            f"{escape(task.job.title)} ({time.monotonic() - task.began:.0f} s)"
            for task in self.tasks
            if task.state == "running"
        )
        return table

    def score(self, task: Task) -> float:
        """Returns the test SRCC of a finished task, read once."""
        if id(task) not in self.scores:
            results = state.results(task.folder)
            assert results is not None
            self.scores[id(task)] = float(results["metrics"]["test"]["srcc"])
        return self.scores[id(task)]

    def left(self) -> str:
        """Returns about how long it will take: what like jobs took, over the jobs at once."""
        took: dict[str, list[float]] = {}
        for task in self.tasks:
            if task.state == "done" and task.seconds is not None:
                took.setdefault(task.job.variant.name, []).append(task.seconds)
        waiting = [t.job.variant.name for t in self.tasks if t.state in ("waiting", "running")]
        if not took or not waiting:
            return ""
        every = [seconds for group in took.values() for seconds in group]
        seconds = sum(float(np.mean(took.get(name, every))) for name in waiting)
        return f"about {seconds / self.num_jobs / 60:.0f} min left"
