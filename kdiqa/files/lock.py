"""Whose a job is: a file with process and host, so that two runners never run one job twice."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

SILENT = 300.0  # seconds after which a holder on another machine, who beats no more, is gone


class Lock:
    """A job's lock file.

    It names the runner and, once it runs, the job's own process: a job outlives a runner that was
    killed, and nobody may start it beside itself. Dead processes hold nothing. Of another machine's
    processes only the file's age tells, which :meth:`beat` renews.

    Args:
        path: The file.
        guard: A file that all runners of the study share; held for the moment of taking a lock.
    """

    def __init__(self, path: Path, guard: Path) -> None:
        self.path, self.guard = path, guard

    def holder(self) -> str | None:
        """Returns who holds the lock, in words, or None when it is free or its holder is dead."""
        try:
            told = json.loads(self.path.read_text())
            age = time.time() - self.path.stat().st_mtime
        except FileNotFoundError:
            return None
        except ValueError:  # cut short by a full disk: nobody's
            return None
        host, processes = told["host"], told["processes"]
        if host != socket.gethostname():
            return f"process {processes[0][0]} on {host}" if age < SILENT else None
        alive = [pid for pid, began in processes if is_alive(pid, began)]
        return f"process {alive[0]}" if alive else None

    def take(self) -> bool:
        """Takes the lock for this process, and returns whether it was to be had."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self.guard):
            if self.holder() is not None:
                return False
            self._write([os.getpid()])
            return True

    def share(self, pid: int) -> None:
        """Names the job's process as a holder too."""
        self._write([os.getpid(), pid])

    def beat(self) -> None:
        """Says that the holder is alive."""
        os.utime(self.path)

    def release(self) -> None:
        """Gives the lock back."""
        self.path.unlink(missing_ok=True)

    def _write(self, processes: Sequence[int]) -> None:
        told = {
            "host": socket.gethostname(),
            "processes": [[pid, beginning(pid)] for pid in processes],
        }
        unfinished = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        unfinished.write_text(json.dumps(told))
        unfinished.replace(self.path)


def beginning(pid: int) -> str | None:
    """Returns when a process began, as the kernel counts it; None where that is not to be read.

    A number of a process is given again, the pair of number and beginning is not.
    """
    fields = _stat(pid)
    return fields[19] if fields else None


def is_alive(pid: int, began: str | None) -> bool:
    """Returns whether the process that began then still runs; one that waits to be buried does not."""
    try:
        with suppress(PermissionError):  # somebody else's, and alive
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    fields = _stat(pid)
    if not fields:
        return True
    return fields[0] not in "ZX" and began in (None, fields[19])


def _stat(pid: int) -> list[str]:
    """Returns the fields of Linux's account of a process from its state on; none elsewhere."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the name before it may hold anything


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds a file that one process at a time can hold; a dead one holds it no more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
