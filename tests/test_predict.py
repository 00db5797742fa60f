"""`kdiqa predict`: every image gets its row, once, whatever happens."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kdiqa
from kdiqa.predict import main
from kdiqa.scorer import Scorer, many
from kdiqa.scorer.rows import Row
from tests.fakes import noisy, picture, write
from tests.runs import STUDENT, train
from tests.waiting import until

HEAD = list(Row._fields)
NAMES = (
    "a.png",
    "b.jpg",
    "deep/c.BMP",
    "deep/er/ein Bild, „schön“.png",
    "写真.webp",
    'q"uote.png',
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> Path:
    words = ("distill=false", "trainer.max_epochs=1", "module.net.backbone.weights=random")
    folder = tmp_path_factory.mktemp("predict") / "run"
    return train(*STUDENT, *words, f"data.root={fake_data / 'tid2013'}", folder=folder)


@pytest.fixture(scope="module")
def scorer(run: Path) -> Scorer:
    return kdiqa.load(run)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns a folder of readable images of two sizes, with a text beside them; we stand in it."""
    for i, name in enumerate(NAMES):
        pixels = noisy(picture(i, 48 + 16 * (i % 2), 64), 10 * i, i)
        write(tmp_path / "photos" / name, pixels)
    (tmp_path / "photos" / "notes.md").write_text("no image")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def predict(run: Path, *words: object, workers: int = 0) -> int:
    return main([*map(str, words), "--model", str(run), "--workers", str(workers)])


def table(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.reader(file))


def test_each_image_of_a_folder_has_the_scorers_score_in_order(
    run: Path, scorer: Scorer, folder: Path
) -> None:
    assert predict(run, "photos", "-o", "scores.csv", "--batch-size", 4, workers=2) == 0
    head, *rows = table(Path("scores.csv"))
    assert head == HEAD
    below = {"photos": NAMES[:2] + NAMES[5:] + NAMES[4:5], "photos/deep": NAMES[2:3]}
    expected = [f"photos/{name}" for name in (*below["photos"], *below["photos/deep"], NAMES[3])]
    assert [row[0] for row in rows] == expected
    scores = scorer.score([row[0] for row in rows])
    np.testing.assert_allclose([float(row[1]) for row in rows], scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose([float(row[2]) for row in rows], np.multiply(9, scores), atol=1e-5)
    assert {(row[3], row[4]) for row in rows} == {("", scorer.digest)}
    assert len(set(scores)) == len(scores)


def test_broken_files_have_rows_with_reasons_and_their_own_exit_code(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty.png").touch()
    whole = (folder / "b.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("hello")
    assert predict(run, "photos", "gone.png", "-o", "s.csv", workers=1) == 3
    rows = table(Path("s.csv"))[1:]
    broken = {row[0]: row[3] for row in rows if row[3]}
    reasons = {
        "photos/cut.jpg": "JPEG cut short, no end marker. Unpack that file again.",
        "photos/empty.png": "empty file. Unpack that file again.",
        "photos/text.png": "its bytes are of no known image format. Unpack that file again.",
        "gone.png": "no such file. Look at its path.",
    }
    assert broken == {
        path: f"ImageReadError: Cannot read the image '{path}': {reason}"
        for path, reason in reasons.items()
    }
    assert all((row[1] == "") == (row[2] == "") == bool(row[3]) for row in rows)
    printed = capsys.readouterr().err.splitlines()
    assert printed[-5:-1] == [f"{path}: {reason}" for path, reason in broken.items()]
    assert printed[-1] == "4 of 10 images could not be scored."
    assert predict(run, "photos", "gone.png", "-o", "s.csv") == 3


@pytest.mark.parametrize("size", [0, 10, 150, 400, 10_000])
def test_a_table_that_was_cut_anywhere_is_completed_to_the_undisturbed_one(
    run: Path, folder: Path, size: int
) -> None:
    words = ("photos", "gone.png", "--batch-size", 3)
    predict(run, *words, "-o", "whole.csv")
    whole = Path("whole.csv").read_bytes()
    Path("cut.csv").write_bytes(whole[:size])
    predict(run, *words, "-o", "cut.csv")
    assert Path("cut.csv").read_bytes() == whole


def test_what_has_a_row_is_not_scored_again(
    run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(run, "photos/a.png", "photos/b.jpg", "-o", "s.csv", "--batch-size", 1)
    read: list[str] = []
    plain = many.read_rgb
    monkeypatch.setattr(many, "read_rgb", lambda path: read.append(str(path)) or plain(path))
    predict(run, "photos/b.jpg", "photos/a.png", "photos/deep/c.BMP", "-o", "s.csv",
            "--batch-size", 1)  # fmt: skip
    assert read == ["photos/deep/c.BMP"]
    assert [row[0] for row in table(Path("s.csv"))[1:]] == [
        *("photos/a.png", "photos/b.jpg", "photos/deep/c.BMP")
    ]


def wrong(folder: Path) -> dict[str, tuple[Callable[[], object], list[str]]]:
    other = ",".join(HEAD) + "\na.png,0.5,1.0,,aaaaaaaaaaaa\n"
    return {
        r"No folder 'no' for s\.csv\. Make it first\.": (list, ["photos", "-o", "no/s.csv"]),
        r"No image format ends in '\.doc'\. Give a \.png\.": (
            list, ["photos", "--sheet", "s.doc"]),
        r"--batch-size is 0 and --workers 0; give at least 1 and at least 0\.": (
            list, ["photos", "--batch-size", "0"]),
        r"Nothing matches '\*\.gif'\. Check it with: ls \*\.gif": (list, ["*.gif"]),
        r"No list at 'x\.txt'\. Give a file with a path a line\.": (list, ["x.txt"]),
        r"No image in the folder 'e'\. Files end in: \.bmp, \.jpeg, \.jpg, \.png, \.tif, \.tiff,"
        r" \.webp\.": (lambda: Path("e").mkdir(), ["e"]),
        r"'t\.csv' is another table: it does not begin with image,score,units,error,model\."
        r" Give another file name\.": (
            lambda: Path("t.csv").write_text("id,mos\n"), ["photos", "-o", "t.csv"]),
        r"'o\.csv' holds scores of the model aaaaaaaaaaaa, and this one is \w{12}\. Give --output"
        r" another name, or delete the file\.": (
            lambda: Path("o.csv").write_text(other), ["photos", "-o", "o.csv"]),
    }  # fmt: skip


@pytest.mark.parametrize("message", wrong(Path()))
def test_wrong_usage_comes_before_the_work_starts(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    prepare, words = wrong(folder)[message]
    prepare()
    with pytest.raises(SystemExit) as ended:
        predict(run, *words)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert re.search(rf"^kdiqa predict: error: {message}$", printed.err, re.MULTILINE), printed.err
    assert printed.out == ""


def test_standard_output_holds_the_table_or_lines_of_json_and_nothing_else(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predict(run, "photos/a.png", "gone.png")
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    predict(run, "photos/a.png", "gone.png", "--json", "-o", "s.csv")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows == table(Path("s.csv"))
    assert [list(line) for line in lines] == [HEAD, HEAD]
    assert lines[0]["score"] == float(rows[1][1])
    assert lines[1] == dict(zip(HEAD, ["gone.png", None, None, *rows[2][3:]], strict=True))


def test_the_sheet_shows_what_could_be_scored(run: Path, folder: Path) -> None:
    (folder / "broken.png").touch()
    assert predict(run, "photos", "-o", "s.csv", "--sheet", "worst.png") == 3
    with Image.open("worst.png") as drawn:
        assert drawn.width == len(NAMES) * 234 + 14


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_command_goes_on_where_it_stopped(
    run: Path, folder: Path, kill: signal.Signals
) -> None:
    for i in range(150):
        (folder / f"{i:03d}.png").symlink_to("a.png" if i % 2 else "b.jpg")
    for i in range(0, 150, 30):  # some are broken, before and after the interruption
        (folder / f"{i:03d}.png").unlink()
        (folder / f"{i:03d}.png").write_bytes(b"no image")
    words = ["photos", "--model", str(run), "--batch-size", "4", "--workers", "1"]
    command = [sys.executable, "-m", "kdiqa.predict", *words, "-o", "s.csv"]
    begun = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until(lambda: Path("s.csv").is_file() and Path("s.csv").read_bytes().count(b"\n") >= 5, begun)
    begun.send_signal(kill)
    printed = begun.communicate()[1]
    stopped = len(table(Path("s.csv")))
    if kill == signal.SIGINT:
        assert begun.returncode == 130
        assert re.fullmatch(
            r"Interrupted after \d+ of 156 images\. The same command goes on from there\.",
            printed.strip().splitlines()[-1],
        )
        assert "Traceback" not in printed
    assert 5 <= stopped < 157
    assert predict(run, "photos", "--batch-size", 4, "-o", "s.csv") == 3
    assert predict(run, "photos", "--batch-size", 4, "-o", "whole.csv") == 3
    assert Path("s.csv").read_bytes() == Path("whole.csv").read_bytes()
    assert sum(bool(row[3]) for row in table(Path("s.csv"))[1:]) == 5


@pytest.mark.process
def test_memory_stays_bounded_on_a_hundred_megapixels(run: Path, tmp_path: Path) -> None:
    large, small = tmp_path / "large.jpg", tmp_path / "small.jpg"
    tile = np.tile(picture(0, 500, 625), (16, 20, 1))
    Image.fromarray(tile).save(large, quality=80)
    Image.fromarray(tile[:500, :625]).save(small)
    peaks = []
    for path in (small, large):
        words = [str(path), "--model", str(run), "--workers", "0", "-o", f"{path}.csv"]
        code = (
            "from kdiqa.predict import main; assert not main();"
            # getrusage's would be this process's, where that is larger
            "print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) // 1024)"
        )
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout.split()[-1]))
    # The picture itself takes 286 MiB; its copy of 8 megapixels is distorted.
    assert tile.size == 300_000_000
    assert peaks[1] - peaks[0] < 1536  # MiB
