"""How a test waits: for something to happen, never for a time to pass."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

PATIENCE = 900  # seconds; only a test that fails waits so long, however busy the machine is


def until(happened: Callable[[], object], process: subprocess.Popen | None = None) -> None:
    """Waits until something has happened, and fails where a process ends before it has.

    Args:
        happened: Returns whether it has; asked again and again.
        process: What makes it happen.
    """
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        if process is not None and process.poll() is not None:
            assert happened(), process.communicate()
            return
        time.sleep(0.01)
