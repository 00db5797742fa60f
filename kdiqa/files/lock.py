"""Locks: a run folder is one process's, and a study's job one runner's, on whatever machine."""

import errno
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from kdiqa.files.atomic import write

LOCK = ".lock"  # in a run folder
HELD = (errno.EACCES, errno.EAGAIN)
SILENT = 300.0  # seconds after which a holder on another machine whose lock ages is gone


@contextmanager
def folder_lock(folder: Path, wait: bool = False) -> Iterator[None]:
    """Holds a run folder; a process that dies holds it no more.

    Args:
        folder: The run's.
        wait: Whether to wait for the process that holds it: a run's own job may outlive a run that
            was killed, and be nearly done.

    Raises:
        ValueError: If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+") as file:
        try:
            # Of the process, not of the file: a data loader's workers do not inherit it.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in HELD:
                print(
                    f"'{folder}' cannot be locked ({error.strerror}): start no second run there."
                )
            else:
                _await(folder, file, wait)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def table_lock(table: Path) -> Iterator[None]:
    """Holds a table that is written; a process that dies holds it no more.

    The lock is a hidden file next to the table, and goes with its holder's end.

    Raises:
        ValueError: If another process holds it.
    """
    path = table.with_name(f".{table.name}.lock")
    while True:
        with path.open("a+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in HELD:
                    holder = path.read_text().strip() if path.is_file() else ""
                    raise ValueError(
                        f"'{table}' is being written by process {holder or 'of another machine'}."
                        " Wait for its end, or give another file name."
                    ) from error
                print(
                    f"'{table}' cannot be locked ({error.strerror}): start no second run on it.",
                    file=sys.stderr,
                )
            if not _is_at(path, file):  # its last holder has just taken it away
                continue
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_at(path: Path, file: IO[str]) -> bool:
    """Returns whether a path still leads to an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _await(folder: Path, file: IO[str], wait: bool) -> None:
    holder = (folder / LOCK).read_text().strip()
    message = f"'{folder}' is being trained by process {holder}"
    if not wait:
        raise ValueError(f"{message}. Wait for its end, or stop it with: kill {holder}")
    print(f"{message}: waiting for its end.", flush=True)
    fcntl.lockf(file, fcntl.LOCK_EX)


class JobLock:
    """The lock of a study's job: a file with the runner's host and processes.

    It names the runner and, once it runs, the job's own process: a job outlives a runner that was
    killed, and must not be started twice. Dead processes hold nothing. A process on another machine
    holds the lock while the file is young, which :meth:`beat` sees to.

    Args:
        path: The file.
        guard: A file that all runners of the study share; held while a lock is taken.
    """

    def __init__(self, path: Path, guard: Path) -> None:
        self.path, self.guard = path, guard

    def holder(self) -> str | None:
        """Returns a description of the holder, None when the lock is free or its holder is dead."""
        try:
            content = json.loads(self.path.read_text())
            age = time.time() - self.path.stat().st_mtime
        except FileNotFoundError:
            return None
        except ValueError:  # cut short by a full disk: nobody's
            return None
        host, processes = content["host"], content["processes"]
        if host != socket.gethostname():
            return f"process {processes[0][0]} on {host}" if age < SILENT else None
        alive = [pid for pid, began in processes if is_alive(pid, began)]
        return f"process {alive[0]}" if alive else None

    def take(self) -> bool:
        """Takes the lock for this process, and returns whether it was free."""
        self.guard.parent.mkdir(parents=True, exist_ok=True)
        with self.guard.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # unlike lockf, it excludes other threads too
            if self.holder() is not None:
                return False
            self._write([os.getpid()])
            return True

    def share(self, pid: int) -> None:
        """Names the job's process as a holder too."""
        self._write([os.getpid(), pid])

    def beat(self) -> None:
        """Renews the file's time: the holder is alive."""
        os.utime(self.path)

    def release(self) -> None:
        """Frees the lock."""
        self.path.unlink(missing_ok=True)

    def _write(self, processes: Sequence[int]) -> None:
        content = {
            "host": socket.gethostname(),
            "processes": [[pid, beginning(pid)] for pid in processes],
        }
        write(self.path, json.dumps(content), cache=True)


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
