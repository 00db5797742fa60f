"""Signals that ask a process to stop end it as Ctrl-C does."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)  # kill, a cluster's scheduler; Slurm's early warning
OURS_OR_NOBODYS = (signal.SIG_DFL, signal.SIG_IGN, None)


class Stopped(KeyboardInterrupt):
    """A signal, of this number, asked the process to stop."""

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
