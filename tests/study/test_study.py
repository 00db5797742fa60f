"""A study ends in the same table whatever happens on the way; its jobs here train nothing."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kdiqa.study.__main__ import main
from tests.study.fake import STUDY, quick, write
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
BROKEN = STUDY.replace("[0, 1]", "[0]").replace("alone: [", "broken: {teacher: sick}\n  alone: [")
BROKEN = BROKEN.replace("teachers:", "teachers:\n  sick: {experiment: teacher_demo}")


def run(folder: Path, *words: str, logs: str = "logs") -> int:
    return main([str(folder), "--logs", str(folder / logs), *words], quick(0.0))


def found(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())


def starts(folder: Path) -> dict[str, int]:
    """Returns how often each job was started."""
    logs = folder / "logs"
    return {
        str(path.parent.relative_to(logs)): len(path.read_text().splitlines())
        for path in sorted(logs.glob("*/*/starts.txt"))
    }


def start(folder: Path, *words: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.study.fake", str(folder), "--logs"]
    command += [str(folder / "logs"), *words, "--seconds", str(seconds)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def wait_for(folder: Path, count: int) -> None:
    """Waits until so many jobs have been started."""
    until(lambda: len(starts(folder)) >= count)


def test_study_runs_every_job_once_and_not_again(tmp_path: Path) -> None:
    folder = write(tmp_path / "study")
    assert run(folder, "--jobs", "3") == 0
    first = found(folder)
    assert (first["finished"], first["planned"]) == (10, 10)
    assert first["variants"]["taught"]["srcc"]["median"] == pytest.approx(0.6055)
    assert first["comparisons"]["taught"]["mean"] == pytest.approx(0.1)
    assert run(folder) == 0
    assert set(starts(folder).values()) == {1}
    assert found(folder) == first


def test_limit_stops_early_and_only_the_whole_table_reaches_the_study(tmp_path: Path) -> None:
    folder = write(tmp_path / "study")
    assert run(folder, "--limit", "3") == 0
    assert list(starts(folder)) == [
        f"{name}/split_0_seed_0" for name in ("alone", "taught", "teacher")
    ]
    assert not (folder / "results.json").exists()
    assert "3 of 10 jobs." in (folder / "logs" / "results.md").read_text()
    assert run(folder, "--only", "taught") == 0
    assert not (folder / "results.json").exists()
    assert run(folder) == 0
    assert found(folder)["finished"] == 10


def test_failed_job_stops_nobody_but_its_students(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules["tests.study.fake"].SCORES, "sick", -1.0)
    folder = write(tmp_path / "study", BROKEN)
    assert run(folder) == 1
    printed = capsys.readouterr().out
    assert "ValueError: this one always fails" in printed
    assert "a first line of the log" in printed
    assert "not run: broken, split 0, seed 0, as its teacher failed: sick, split 0" in printed
    assert "alone/split_0_seed_0" in starts(folder)
    assert "broken/split_0_seed_0" not in starts(folder)


def test_changed_variant_runs_again_and_the_others_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "study")
    run(folder)
    before = found(folder)
    write(folder, STUDY.replace("[distill=false]", "[distill=false, trainer.max_epochs=3]"))
    capsys.readouterr()
    assert run(folder) == 0
    assert "alone runs again: trainer.max_epochs 10 → 3\n" in capsys.readouterr().out
    again = [path.name for path in (folder / "logs" / "replaced" / "0").iterdir()]
    assert again == ["alone"]
    assert set(starts(folder).values()) == {1}
    assert found(folder)["variants"] == before["variants"]


def test_students_of_a_changed_teacher_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "study")
    run(folder)
    write(folder, STUDY.replace("teacher_demo,", "teacher_demo, overrides: [data.seed=3],"))
    capsys.readouterr()
    assert run(folder, "--limit", "1") == 0
    printed = capsys.readouterr().out
    assert "teacher runs again: data.seed ${seed} → 3\ntaught runs again: its teacher" in printed
    # The students of the one teacher that ran are gone with it, should nobody come back.
    assert not (folder / "logs" / "taught" / "split_0_seed_1").exists()
    assert (folder / "logs" / "taught" / "split_1_seed_1").exists()
    assert run(folder) == 0
    replaced = sorted(path.parent.parent.name for path in folder.glob("logs/replaced/*/*/*"))
    assert replaced == ["0"] * 6
    assert (folder / "logs/replaced/0/taught/split_1_seed_1").is_dir()


def test_overrides_are_remembered_until_others_are_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "study")
    assert run(folder, "trainer.max_epochs=2") == 0
    assert found(folder)["overrides"] == ["trainer.max_epochs=2"]
    capsys.readouterr()
    assert run(folder) == 0
    printed = capsys.readouterr().out
    assert "As the last time, with: trainer.max_epochs=2" in printed
    assert "again" not in printed
    assert run(folder, "trainer.max_epochs=4") == 0
    assert "runs again: trainer.max_epochs 2 → 4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tiny"], "'tiny' is no override. Type KEY=VALUE, or see --help."),
        (["--only", "akd"], "'study' has no variant 'akd'. It has: teacher, alone, taught."),
    ],
)
def test_wrong_command_ends_at_once(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write(tmp_path / "study"), *words) == 2
    assert capsys.readouterr().err == f"kdiqa study: {message}\n"


def test_missing_data_are_named_before_a_job_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KDIQA_DATA", raising=False)
    text = STUDY.replace("akd_demo\n", "akd_demo\nneeds: [tid2013]\n")
    folder = write(tmp_path / "study", text)
    assert run(folder) == 2
    message = (
        "kdiqa study: 'study' reads tid2013, which has no folder. Type root.tid2013=FOLDER, or set"
        " KDIQA_DATA to the folder that holds tid2013.\n"
    )
    assert capsys.readouterr().err == message
    assert run(folder, "data.root=/nowhere") == 2
    message = message.replace("has no folder", "is not in '/nowhere'")
    assert capsys.readouterr().err == message
    words = [str(folder), "--logs", str(folder / "logs"), f"root.tid2013={tmp_path}", "--dry-run"]
    assert main(words) == 0
    assert f"data.root={tmp_path}" in capsys.readouterr().out
    assert not (folder / "logs").exists()


@pytest.mark.process
def test_two_runners_at_once_run_no_job_twice(tmp_path: Path) -> None:
    folder = write(tmp_path / "study")
    both = [start(folder, seconds=0.2) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert "All jobs." in out
    assert set(starts(folder).values()) == {1}


@pytest.mark.process
def test_ctrl_c_stops_the_jobs_and_prints_how_to_go_on(tmp_path: Path) -> None:
    folder = write(tmp_path / "study")
    process = start(folder, "--jobs", "2", seconds=PATIENCE)
    wait_for(folder, 2)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 130
    assert re.search(r"Interrupted. Continue with:\n  python -m kdiqa.study .* --jobs 2", err)
    for path in folder.glob("logs/*/*/starts.txt"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text().split()[0]), 0)
    assert not list(folder.glob("logs/locks/*.json"))


@pytest.mark.process
def test_killed_three_times_it_ends_as_the_undisturbed_one(tmp_path: Path) -> None:
    whole = write(tmp_path / "study")
    run(whole)
    folder = write(tmp_path / "again" / "study")
    draw = random.Random(0)
    for _ in range(3):
        before = len(starts(folder))
        process = start(folder, "--jobs", "2", seconds=0.3)
        while len(starts(folder)) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))  # any moment will do
        process.kill()  # its jobs live on
        process.communicate()
    assert run(folder, "--jobs", "2") == 0
    assert found(folder) == found(whole)
    assert (folder / "results.md").read_text() == (whole / "results.md").read_text()


def test_jobs_share_out_the_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    folder = write(tmp_path / "study")
    assert run(folder, "--jobs", "2") == 0
    used = {path.read_text().split()[1] for path in folder.glob("logs/*/*/starts.txt")}
    assert used == {"4", "7"}
