"""A forked command is one's own process as far as a test can see."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")


def start(cwd: Path) -> tuple[subprocess.Popen[str], int]:
    """Starts the command and returns its process, and the number of what was forked for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forked.wait", "a b", "ü"], cwd=cwd, text=True,
        env=os.environ | {"MARK": "here"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    pid, *told = process.stdout.readline().split(maxsplit=1)
    assert told == [f"{cwd} here a b ü\n"]
    return process, int(pid)


@pytest.mark.parametrize("code", [0, 3])
def test_words_folder_environment_and_exit_code_go_through(code: int, tmp_path: Path) -> None:
    process, _ = start(tmp_path)
    assert process.communicate(f"{code}\n") == ("", None)
    assert process.returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_reaches_the_command_and_ends_both(
    number: signal.Signals, tmp_path: Path
) -> None:
    process, pid = start(tmp_path)
    process.send_signal(number)
    assert process.wait() == -number
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_who_kills_the_one_kills_the_other(tmp_path: Path) -> None:
    process, pid = start(tmp_path)
    end = os.pidfd_open(pid)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert select.select([end], [], [], 60)[0]  # it has ended too
    os.close(end)


def test_what_is_not_ours_is_run_by_the_interpreter_itself() -> None:
    code = "import sys; print('torch' in sys.modules, sys.executable)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == f"False {forked.REAL}\n"
