"""`kdiqa predict --engine ray`: the plain command's table, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from pathlib import Path
from threading import Thread

import pytest

from kdiqa import predict as command
from tests.fakes import noisy, picture, write
from tests.runs import STUDENT, train
from tests.waiting import until

ROOT = Path(__file__).parents[2]
MARK = "KDIQA_TEST_MARK"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> Path:
    words = ("distill=false", "trainer.max_epochs=1", "module.net.backbone.weights=random")
    folder = tmp_path_factory.mktemp("on_ray") / "run"
    return train(*STUDENT, *words, f"data.root={fake_data / 'tid2013'}", folder=folder)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Returns a folder with 40 pictures, one that is none, and one whose name is no text."""
    for i in range(4):
        write(tmp_path / "photos" / f"{i} ü.png", noisy(picture(i, 48, 64), 10 * i, i))
    for i in range(36):
        (tmp_path / "photos" / f"link {i:02d}.png").symlink_to(f"{i % 4} ü.png")
    (tmp_path / "photos" / "broken.png").write_text("hello")
    os.symlink("1 ü.png", os.fsencode(tmp_path / "photos") + b"/not \xff text.png")
    return tmp_path / "photos"


def marked(mark: str, title: bytes) -> list[int]:
    """Returns the processes below a command that carries a mark, by the title they have."""
    numbers = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            environment = (place / "environ").read_bytes()
            if (
                f"{MARK}={mark}".encode() in environment
                and title in (place / "cmdline").read_bytes()
            ):
                numbers.append(int(place.name))
        except OSError:  # it has just ended, or is not ours
            continue
    return numbers


def kill_one(mark: str, killed: list[int]) -> None:
    """Kills the first worker that appears, as the operating system would one that takes too much."""
    while not killed:
        for worker in marked(mark, b"ray::MapWorker")[:1]:
            os.kill(worker, signal.SIGKILL)
            killed.append(worker)
        time.sleep(0.02)


@pytest.mark.slow
def test_table_is_the_plain_commands_though_a_worker_is_killed(
    run: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason='Ray is not installed: pip install "kdiqa[ray]"')
    mark = uuid.uuid4().hex
    monkeypatch.chdir(photos.parent)
    monkeypatch.setenv(MARK, mark)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    words = ["photos", "--model", str(run), "--batch-size", "3", "--workers", "2"]
    assert command.main([*words, "-o", "plain.csv"]) == 3
    whole = Path("plain.csv").read_bytes()
    Path("ray.csv").write_bytes(whole[: whole.index(b"\n", 400)])  # a few rows, the last one cut
    capfd.readouterr()

    killed: list[int] = []
    Thread(target=kill_one, args=(mark, killed), daemon=True).start()
    assert command.main([*words, "-o", "ray.csv", "--engine", "ray"]) == 3
    assert killed
    assert Path("ray.csv").read_bytes() == whole
    printed = capfd.readouterr().err
    assert printed.splitlines()[-1] == "1 of 42 images could not be scored."
    assert "Traceback" not in printed
    until(lambda: not marked(mark, b"ray::"))  # they end a moment after us


def test_missing_ray_comes_before_the_work_starts(
    run: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SystemExit) as ended:
        command.main([str(photos), "--model", str(run), "--engine", "ray"])
    assert ended.value.code == 2
    message = (
        "kdiqa predict: error: --engine ray needs ray, which is not installed. Type: pip install"
        " 'kdiqa[ray]'\n"
    )
    assert capsys.readouterr().err.endswith(message)
