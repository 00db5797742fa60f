"""A run that is told to stop does so as after Ctrl-C, and a folder holds one run at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)  # kill, a cluster's scheduler; Slurm's early warning
OURS_OR_NOBODYS = (signal.SIG_DFL, signal.SIG_IGN, None)
HELD = (errno.EACCES, errno.EAGAIN)
LOCK = ".lock"


class Stopped(KeyboardInterrupt):
    """The process was told to stop.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def stop(number: int, frame: FrameType | None) -> None:
    """Ends what is going on, as a signal's handler."""
    raise Stopped(number)


def listen() -> list[signal.Signals]:
    """Lets the signals stop this process that nobody else waits for; returns them.

    Lightning's own answer to SIGTERM talks to all ranks from within the handler, and may then
    wait for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    heard = [number for number in SIGNALS if _is_free(signal.getsignal(number))]
    for number in heard:
        signal.signal(number, stop)
    return heard


def _is_free(handler: object) -> bool:
    lightnings = type(handler).__module__.startswith("lightning.")
    return handler in (*OURS_OR_NOBODYS, stop) or lightnings


@contextmanager
def stoppable() -> Iterator[None]:
    """Lets SIGTERM and SIGUSR1 raise :class:`Stopped` in its body."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = listen()
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def reason(error: BaseException | None) -> int:
    """Returns the number of the signal that an interruption goes back to: SIGINT's for Ctrl-C."""
    while error is not None:
        if isinstance(error, Stopped):
            return error.number
        error = error.__cause__ or error.__context__
    return signal.SIGINT


@contextmanager
def alone(folder: Path, wait: bool = False) -> Iterator[None]:
    """Holds a run's folder; a process that dies holds it no more.

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
                _wait(folder, file, wait)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _wait(folder: Path, file: object, wait: bool) -> None:
    holder = (folder / LOCK).read_text().strip()
    told = f"'{folder}' is being trained by process {holder}"
    if not wait:
        raise ValueError(f"{told}. Wait for its end, or stop it with: kill {holder}")
    print(f"{told}: waiting for its end.", flush=True)
    fcntl.lockf(file, fcntl.LOCK_EX)  # type: ignore[arg-type]
