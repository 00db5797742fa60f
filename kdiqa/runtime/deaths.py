"""Workers that die: noticed where their work is waited for, and done again in a process of its own."""

import multiprocessing
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

DIED = re.compile(r"DataLoader worker \(pid.*\) (is killed by signal|exited unexpectedly)")


def died(error: BaseException) -> bool:
    """Returns whether an error of a data loader says that a worker has died."""
    return DIED.search(str(error)) is not None


@contextmanager
def polled_deaths() -> Iterator[Callable[[Any], Iterator[Any]]]:
    """Yields what begins to iterate over a data loader.

    A worker's death is raised while an item is waited for, and nowhere else: torch's own handler of
    SIGCHLD would raise in whatever the main process does just then, as in the middle of writing a
    table. It is back in the end.
    """
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGCHLD)

    def begun(loader: Any) -> Iterator[Any]:
        items = iter(loader)  # the first of a process sets the handler
        if in_main:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        return items

    try:
        yield begun
    finally:
        if in_main:
            signal.signal(signal.SIGCHLD, before)


def in_a_process(work: Callable[[], Any]) -> tuple[Any, str]:
    """Returns what a function returns in a forked process, or None, and how that process ended."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=lambda: theirs.send(work()))
    process.start()
    theirs.close()
    try:
        result = ours.recv()
    except EOFError:
        result = None
    process.join()
    code = process.exitcode or 0
    if code < 0:
        return result, f"was killed ({signal.Signals(-code).name})"
    return result, f"ended with exit code {code}"
