"""Where a training step's time goes: ``python -m bench.step_times experiment=akd_demo``."""

from __future__ import annotations

import re
import sys
import time

import torch
from lightning.pytorch.profilers import Profiler
from lightning.pytorch.trainer import setup
from rich.console import Console
from rich.table import Table

REST = "the rest"
SHARES = {
    "waiting for data": r"\.train_dataloader_next$",
    "transfer": r"\.batch_to_device$",
    "backbone and teacher": r"^\[Callback\]Distillation.*\.on_train_batch_start$",
    "student and loss": r"^\[Strategy\].*\.training_step$",
    "backward": r"^\[Strategy\].*\.backward$",
    "optimizer": r"\.optimizer_step$",
}
"""What is told apart, and the actions of Lightning that begin it."""
NO_STEP = re.compile(r"validation|\.val_|on_train_epoch_end|^run_training_epoch")


class StepTimes(Profiler):
    """Prints a table of a step's parts at the end of training, the first rank's.

    Every moment of a step belongs to one part: an action within another interrupts it. Validation
    and what happens around an epoch are left out. The student's own backbone pass, where no
    teacher has made it before, is in ``student and loss``. While it measures, it waits for the GPU
    at the beginning and at the end of each part, so that a part gets what it has started.

    Args:
        skip: First steps that are not counted: they warm up.
    """

    def __init__(self, skip: int = 2) -> None:
        super().__init__()
        self.skip = skip
        self.steps = 0
        self.seconds = dict.fromkeys([*SHARES, REST], 0.0)
        self.parts: list[str] = []  # which part each open action belongs to
        self.counting = False
        self.since = 0.0

    def start(self, action_name: str) -> None:
        """Ends the part that is going on and begins the action's."""
        part = part_of(action_name)
        if part == "waiting for data":
            self.steps += 1
            self.counting, self.since = self.steps > self.skip, now()
        elif NO_STEP.search(action_name):
            self.turn(synchronise=True)
            self.counting = False
        self.turn(part is not None)
        self.parts.append(part or (self.parts[-1] if self.parts else REST))

    def stop(self, action_name: str) -> None:
        """Ends the action's part and goes on with the one around it."""
        self.turn(part_of(action_name) is not None)
        self.parts.pop()

    def turn(self, synchronise: bool) -> None:
        """Counts the time since the last turn for the part that is going on."""
        if self.counting:
            moment = now() if synchronise else time.perf_counter()
            self.seconds[self.parts[-1] if self.parts else REST] += moment - self.since
            self.since = moment

    def describe(self) -> None:
        """Prints the table, once, where steps were counted."""
        self.counting = False
        if self.steps > self.skip and self._local_rank in (None, 0):
            Console().print(self.table())
        self.steps = 0

    def table(self) -> Table:
        """Returns milliseconds a step and the share of each part."""
        steps, whole = self.steps - self.skip, sum(self.seconds.values())
        made = Table(title=f"Where a step's time goes, mean of {steps} steps")
        made.add_column("part")
        made.add_column("ms a step", justify="right")
        made.add_column("share", justify="right")
        for part, seconds in self.seconds.items():
            made.add_row(part, f"{1e3 * seconds / steps:.1f}", f"{100 * seconds / whole:.0f} %")
        made.add_section()
        made.add_row("a whole step", f"{1e3 * whole / steps:.1f}", "100 %")
        return made


def part_of(action: str) -> str | None:
    """Returns the part an action of Lightning begins, if it does.

    Example:
        >>> part_of("[Strategy]SingleDeviceStrategy.training_step")
        'student and loss'
    """
    return next((part for part, pattern in SHARES.items() if re.search(pattern, action)), None)


def now() -> float:
    """Returns the time in seconds, once a GPU has done what it was told."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    """Trains as the command line says, and lets Lightning take this profiler for its simple one."""
    from kdiqa.train import main as train

    setup.SimpleProfiler = StepTimes  # type: ignore[assignment,misc]
    sys.argv.append("trainer.profiler=simple")
    train()


if __name__ == "__main__":
    main()
