"""A run folder belongs to one process, a study's job to one living runner."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from kdiqa.files.lock import SILENT, JobLock, beginning, folder_lock, is_alive, table_lock


def test_a_folder_holds_one_run_at_a_time(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom kdiqa.files.lock import folder_lock\n"
        "with folder_lock(Path(sys.argv[1])):\n    print('in', flush=True); input()\n"
    )
    folder, pipe = tmp_path / "run", subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=pipe, stdout=pipe, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    message = (
        f"'{folder}' is being trained by process {process.pid}. Wait for its end, or stop it with:"
        f" kill {process.pid}"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"), folder_lock(folder):
        pass
    process.kill()
    process.wait()
    with folder_lock(folder):
        assert (folder / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_job_waits_for_the_process_that_outlived_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom kdiqa.files.lock import folder_lock\n"
        "with folder_lock(Path(sys.argv[1])):\n"
        "    print('in', flush=True); input(); Path(sys.argv[1], 'done').touch()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    told = []

    def tell(message: str, flush: bool) -> None:
        told.append(message)
        print(file=process.stdin, flush=flush)  # it ends once we wait for it, and not before

    monkeypatch.setattr("kdiqa.files.lock.print", tell, raising=False)
    with folder_lock(tmp_path, wait=True):
        assert (tmp_path / "done").exists()
    message = f"'{tmp_path}' is being trained by process {process.pid}: waiting for its end."
    assert told == [message]
    process.wait()


def test_a_table_has_one_writer_and_its_lock_goes_with_it(tmp_path: Path) -> None:
    table, lock = tmp_path / "s.csv", tmp_path / ".s.csv.lock"
    program = (
        "import sys\nfrom pathlib import Path\nfrom kdiqa.files.lock import table_lock\n"
        "with table_lock(Path(sys.argv[1])):\n    print('in', flush=True); input()\n"
    )
    command = [sys.executable, "-c", program, str(table)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    message = (
        f"'{table}' is being written by process {process.pid}. Wait for its end, or give another"
        " file name."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"), table_lock(table):
        pass
    assert lock.is_file()
    process.kill()
    process.wait()
    with table_lock(table):  # what a dead one has left holds nothing
        assert lock.read_text() == f"{os.getpid()}\n"
    assert not lock.exists()


def test_a_lock_that_its_holder_has_just_taken_away_is_not_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, taken = tmp_path / "s.csv", []
    plain = fcntl.lockf

    def late(file: IO[str], how: int) -> None:
        if not taken:
            (tmp_path / ".s.csv.lock").unlink()  # between our opening it and our locking it
        taken.append(how)
        plain(file, how)

    monkeypatch.setattr("kdiqa.files.lock.fcntl.lockf", late)
    with table_lock(table):
        assert (tmp_path / ".s.csv.lock").is_file()
    assert len(taken) == 2


@pytest.fixture
def lock(tmp_path: Path) -> JobLock:
    return JobLock(tmp_path / "job.json", tmp_path / "all")


def held_by(lock: JobLock, host: str, pid: int, began: str | None) -> None:
    lock.path.write_text(json.dumps({"host": host, "processes": [[pid, began]]}))


def test_lock_is_taken_once_and_given_back(lock: JobLock) -> None:
    assert lock.take()
    assert lock.holder() == f"process {os.getpid()}"
    assert not lock.take()
    lock.release()
    assert lock.holder() is None
    assert lock.take()


def test_dead_holder_holds_nothing(lock: JobLock) -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    began = beginning(process.pid)
    process.wait()
    held_by(lock, socket.gethostname(), process.pid, began)
    assert lock.take()


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="only Linux says when it began")
def test_number_of_a_dead_process_that_another_has_now_holds_nothing(lock: JobLock) -> None:
    held_by(lock, socket.gethostname(), os.getpid(), "1")
    assert lock.holder() is None
    process = subprocess.Popen([sys.executable, "-S", "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet buried
    assert not is_alive(process.pid, None)
    process.wait()


def test_job_outlives_its_runner_and_keeps_the_lock(lock: JobLock) -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
    dead.wait()
    processes = [[dead.pid, "1"], [process.pid, beginning(process.pid)]]
    lock.path.write_text(json.dumps({"host": socket.gethostname(), "processes": processes}))
    assert lock.holder() == f"process {process.pid}"
    assert not lock.take()
    process.communicate(b"\n")
    assert lock.take()


def test_holder_on_another_machine_is_gone_when_it_beats_no_more(lock: JobLock) -> None:
    held_by(lock, "elsewhere", 12, None)
    assert lock.holder() == "process 12 on elsewhere"
    past = lock.path.stat().st_mtime - SILENT - 1
    os.utime(lock.path, (past, past))
    assert lock.take()


def test_of_many_who_find_a_stale_lock_one_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    held_by(JobLock(path, tmp_path / "all"), socket.gethostname(), 2**22 + 1, None)
    locks = [JobLock(path, tmp_path / "all") for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda one: one.take(), locks))
    assert sum(taken) == 1
