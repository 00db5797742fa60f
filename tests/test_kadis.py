"""`kdiqa kadis` makes the same files, however often it is interrupted and whoever shares in it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from kdiqa import kadis
from kdiqa.distortions.kadid import KADID
from tests import forked
from tests.fakes.kadis import write_kadis700k
from tests.waiting import until

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a download; nobody may change it."""
    return write_kadis700k(tmp_path_factory.mktemp("kadis"), kinds=(1, 10, 11, 7, 20, 13) * 3)


@pytest.fixture(scope="module")
def undisturbed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Returns what one process makes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert kadis.main([str(root), "--output", str(folder), "--workers", "1"]) == 0
    return digests(folder)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(folder.iterdir())
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def started(
    root: Path, folder: Path, *options: str, python: str = sys.executable
) -> subprocess.Popen[str]:
    words = [python, "-m", "kdiqa.kadis", str(root), "-o", str(folder), *options]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_files(folder: Path) -> None:
    until(lambda: any(folder.glob("*.bmp")))


def test_two_processes_make_what_one_makes(
    root: Path, undisturbed: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(undisturbed) == 90
    assert kadis.main([str(root), "-o", str(tmp_path), "--workers", "2"]) == 0
    assert digests(tmp_path) == undisturbed
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("90 images need about 0.0 GiB; ")
    assert told[1].startswith("90 images made in ")
    assert told[1].endswith(f" s, 0 were there, in {tmp_path}")


def test_what_a_kill_interrupts_is_completed_by_the_same_command(
    root: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    command = started(root, folder, "--workers", "1")
    wait_for_files(folder)
    command.send_signal(signal.SIGKILL)
    command.communicate()  # its process ends by itself: the pipes are closed
    whole = {name: digest for name, digest in digests(folder).items() if name in undisturbed}
    assert 0 < len(whole) < 90
    assert whole.items() <= undisturbed.items()  # none is cut short
    (folder / "photo0_01_01.0123.part").touch()  # as a kill in the middle of a file leaves it
    assert kadis.main([str(root), "-o", str(folder), "--workers", "1"]) == 0
    assert digests(folder) == undisturbed


def test_ctrl_c_says_how_to_go_on(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    command = started(root, folder, "--workers", "1")
    wait_for_files(folder)
    command.send_signal(signal.SIGINT)
    errors = command.communicate()[1]
    assert command.returncode == 130
    assert "Traceback" not in errors
    last = errors.rstrip().splitlines()[-2:]
    assert re.fullmatch(r"Interrupted after \d+ images\. Go on with:", last[0]), last
    assert last[1] == f"  python -m kdiqa.kadis {root} -o {folder} --workers 1"
    assert not list(folder.glob("*.part"))


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the process in /proc")
def test_a_process_that_was_killed_ends_the_work_with_a_message(
    root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    # The interpreter itself, whose children are seen to be its own.
    command = started(root, folder, "--workers", "1", python=forked.REAL)
    wait_for_files(folder)
    for child in Path("/proc", str(command.pid), "task").glob("*/children"):
        for pid in child.read_text().split():
            if b"spawn_main" in Path("/proc", pid, "cmdline").read_bytes():
                os.kill(int(pid), signal.SIGKILL)
    errors = command.communicate()[1].rstrip().splitlines()
    assert command.returncode == 1
    assert errors[-3].startswith("kdiqa kadis: a process was killed, perhaps for want of memory, ")
    assert errors[-2] == "Set fewer --workers. Go on with:"
    assert errors[-1].startswith(f"  python -m kdiqa.kadis {root} -o ")


def test_parts_that_run_at_once_share_the_work(
    root: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    both = [started(root, tmp_path, "--part", f"{i}/2", "--workers", "1") for i in range(2)]
    assert [command.wait() for command in both] == [0, 0]
    printed = [command.communicate()[0] for command in both]
    assert all("\n45 images made in " in text for text in printed)
    assert digests(tmp_path) == undisturbed


def test_types_and_limit_choose_references(
    root: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    words = [str(root), "-o", str(tmp_path), "--types", "jpeg", "7", "--limit", "3"]
    assert kadis.main([*words, "--workers", "1"]) == 0
    made = digests(tmp_path)
    assert made.items() <= undisturbed.items()
    assert {name[:-7] for name in made} == {"photo1_10", "photo3_07", "photo7_10"}


NAMES = ", ".join(f"{distortion.id} {distortion.name}" for distortion in KADID)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--part", "4/4"], "--part: '4/4' is no part. Give one such as 0/4, 1/4, … 3/4."),
        (
            ["--types", "26"],
            f"--types: KADID-10k has no distortion 26. Give a number or a name of: {NAMES}.",
        ),
        (
            ["--workers", "0"],
            "--workers: '0' is no number of processes or images. Give 1 or more.",
        ),
        (
            ["--limit", "few"],
            "--limit: 'few' is no number of processes or images. Give 1 or more.",
        ),
    ],
)
def test_wrong_words_are_told(
    root: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        kadis.main([str(root), *words])
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(f"kdiqa kadis: error: argument {message}\n")


def test_a_choice_that_leaves_nothing_is_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kadis.main([str(root), "--types", "25"]) == 1
    assert capsys.readouterr().err == (
        "kdiqa kadis: --types, --limit and --part leave nothing of the plan's 18 references. "
        "Leave one of them out.\n"
    )


def test_a_full_disk_is_told_before_the_work_starts(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 0, 10**6))
    monkeypatch.setattr(kadis, "GIB", 10**3)  # a fake's images are small
    assert kadis.main([str(root), "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"kdiqa kadis: 90 images need about 1198.1 GiB; '{tmp_path}' has 1000.0 GiB free.\n"
        "Give --output a folder on a larger disk, --format png, or less to do: --limit, --types, "
        "--part.\n"
    )
    assert os.listdir(tmp_path) == []


def test_a_broken_reference_is_told_before_the_work_starts(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    broken = copy / "ref_imgs" / "photo4.png"
    broken.write_bytes(broken.read_bytes()[:100])
    assert kadis.main([str(copy)]) == 1
    assert capsys.readouterr().err == (
        f"kdiqa kadis: 1 of 18 references cannot be read, the first is '{broken}' (PNG cut short, "
        "no IEND chunk). Unpack them again.\n"
    )
    assert not (copy / "dist_imgs").exists()


def test_a_damaged_reference_holds_up_no_other(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    damaged = copy / "ref_imgs" / "photo4.png"
    data = bytearray(damaged.read_bytes())
    data[12:16] = b"IHDX"  # whole by its ends, no picture inside
    damaged.write_bytes(data)
    assert kadis.main([str(copy), "--workers", "1", "--limit", "6"]) == 1
    assert len(list((copy / "dist_imgs").iterdir())) == 25
    told = capsys.readouterr()
    assert "25 images made in " in told.out
    assert (
        f"kdiqa kadis: 1 images cannot be read. The first: Cannot read the image '{damaged}'"
        in told.err
    )
