"""A job belongs to one living process at a time."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kdiqa.files.lock import SILENT, Lock, beginning, is_alive


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    return Lock(tmp_path / "job.json", tmp_path / "all")


def held_by(lock: Lock, host: str, pid: int, began: str | None) -> None:
    lock.path.write_text(json.dumps({"host": host, "processes": [[pid, began]]}))


def test_lock_is_taken_once_and_given_back(lock: Lock) -> None:
    assert lock.take()
    assert lock.holder() == f"process {os.getpid()}"
    assert not lock.take()
    lock.release()
    assert lock.holder() is None
    assert lock.take()


def test_dead_holder_holds_nothing(lock: Lock) -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    began = beginning(process.pid)
    process.wait()
    held_by(lock, socket.gethostname(), process.pid, began)
    assert lock.take()


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="only Linux says when it began")
def test_number_of_a_dead_process_that_another_has_now_holds_nothing(lock: Lock) -> None:
    held_by(lock, socket.gethostname(), os.getpid(), "1")
    assert lock.holder() is None
    process = subprocess.Popen([sys.executable, "-S", "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet buried
    assert not is_alive(process.pid, None)
    process.wait()


def test_job_outlives_its_runner_and_keeps_the_lock(lock: Lock) -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
    dead.wait()
    told = [[dead.pid, "1"], [process.pid, beginning(process.pid)]]
    lock.path.write_text(json.dumps({"host": socket.gethostname(), "processes": told}))
    assert lock.holder() == f"process {process.pid}"
    assert not lock.take()
    process.communicate(b"\n")
    assert lock.take()


def test_holder_on_another_machine_is_gone_when_it_beats_no_more(lock: Lock) -> None:
    held_by(lock, "elsewhere", 12, None)
    assert lock.holder() == "process 12 on elsewhere"
    past = lock.path.stat().st_mtime - SILENT - 1
    os.utime(lock.path, (past, past))
    assert lock.take()


def test_of_many_who_find_a_stale_lock_one_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    held_by(Lock(path, tmp_path / "all"), socket.gethostname(), 2**22 + 1, None)
    locks = [Lock(path, tmp_path / "all") for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda one: one.take(), locks))
    assert sum(taken) == 1
