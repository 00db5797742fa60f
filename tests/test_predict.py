"""`kdiqa predict`: every image gets its row, once, whatever happens."""

from __future__ import annotations

import csv
import io
import json
import os
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
    monkeypatch.setattr(many, "read_rgb", lambda path, most: read.append(str(path)) or plain(path))
    predict(run, "photos/b.jpg", "photos/a.png", "photos/deep/c.BMP", "-o", "s.csv",
            "--batch-size", 1)  # fmt: skip
    assert read == ["photos/deep/c.BMP"]
    assert [row[0] for row in table(Path("s.csv"))[1:]] == [
        *("photos/a.png", "photos/b.jpg", "photos/deep/c.BMP")
    ]


def test_what_failed_is_tried_again_and_what_was_replaced_is_scored_again(
    run: Path, folder: Path
) -> None:
    words = ("photos", "gone.png", "-o", "s.csv", "--batch-size", 1)
    broken = folder / "b.jpg"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-200])
    assert predict(run, *words) == 3
    first = table(Path("s.csv"))
    broken.write_bytes(whole)
    write(Path("gone.png"), picture(9))
    old = folder / "a.png"
    state = old.stat()
    write(old, picture(40, 48, 64))
    os.utime(old, ns=(state.st_atime_ns, state.st_mtime_ns - 5))  # as cp -p would leave it
    assert predict(run, *words) == 0
    second = table(Path("s.csv"))
    assert [row[0] for row in second] == [row[0] for row in first]
    changed = [row[0] for row, before in zip(second, first, strict=True) if row != before]
    assert changed == ["photos/a.png", "photos/b.jpg", "gone.png"]
    assert all(row[1] and not row[3] for row in second[1:])
    predict(run, *words[:2], "-o", "new.csv", "--batch-size", 1)
    assert second == table(Path("new.csv"))
    stamps = [path.stat().st_mtime_ns for path in (Path("s.csv"), Path(".s.csv.files"))]
    assert predict(run, *words) == 0
    assert [p.stat().st_mtime_ns for p in (Path("s.csv"), Path(".s.csv.files"))] == stamps
    names = {path.name for path in Path().iterdir() if "s.csv" in path.name}
    assert names == {"s.csv", ".s.csv.files"}


def test_a_table_that_another_run_writes_is_left_alone(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = (
        "from pathlib import Path\nfrom kdiqa.files.lock import table_lock\n"
        "with table_lock(Path('s.csv')):\n    print('in', flush=True); input()\n"
    )
    pipe = subprocess.PIPE
    other = subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True)
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(SystemExit) as ended:
        predict(run, "photos", "-o", "s.csv")
    assert ended.value.code == 2
    assert f"'s.csv' is being written by process {other.pid}. Wait" in capsys.readouterr().err
    assert not Path("s.csv").exists()
    other.communicate("\n")
    assert predict(run, "photos", "-o", "s.csv") == 0
    assert len({row[0] for row in table(Path("s.csv"))}) == len(table(Path("s.csv")))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_named_pipe_is_an_error_and_not_waited_for(
    run: Path, folder: Path, workers: int
) -> None:
    os.mkfifo(folder / "pipe.png")
    os.mkfifo("named.jpg")
    words = ("photos", "named.jpg", "/dev/null", "-o", "s.csv")
    assert predict(run, *words, workers=workers) == 3
    errors = {row[0]: row[3] for row in table(Path("s.csv"))[1:] if row[3]}
    assert errors == {
        path: f"ImageReadError: Cannot read the image '{path}': it is no plain file. Look at its"
        " path."
        for path in ("photos/pipe.png", "named.jpg", "/dev/null")
    }


def test_an_image_of_too_many_pixels_is_refused_by_its_header_unless_more_are_allowed(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(Path("large.png"), picture(0, 300, 400))
    write(Path("small.png"), picture(0, 30, 40))
    assert predict(run, "large.png", "small.png", "--max-megapixels", 0.1) == 3
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[1][3] == (
        "ImageReadError: Cannot read the image 'large.png': its header says 400×300 pixels, and"
        " more than 0.1 megapixels are not read. Score it with kdiqa predict --max-megapixels 1."
    )
    assert not rows[2][3]
    assert predict(run, "large.png", "--max-megapixels", 1, workers=1) == 0
    with pytest.raises(SystemExit):
        predict(run, "large.png", "--max-megapixels", 0)
    assert "--max-megapixels is 0; give more than 0." in capsys.readouterr().err


def test_a_byte_order_mark_on_standard_input_is_no_part_of_a_name(
    run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\ufeffphotos/a.png\r\nphotos/b.jpg\n"))
    assert predict(run, "-", "-o", "s.csv") == 0
    assert [row[0] for row in table(Path("s.csv"))[1:]] == ["photos/a.png", "photos/b.jpg"]


@pytest.mark.process
def test_a_full_disk_has_one_message_and_a_closed_pipe_none(run: Path, folder: Path) -> None:
    for i in range(12):
        (folder / f"{i:02d}.png").symlink_to("a.png")
    code = (
        "import resource, sys\nfrom kdiqa.predict import main\n"
        "size = int(sys.argv.pop(1))\n"
        "if size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "raise SystemExit(main())"
    )
    options = ["--model", str(run), "--workers", "0", "--batch-size", "1"]

    def printed(size: int, *words: str, out: str | None = None) -> tuple[int, str]:
        command = [sys.executable, "-c", code, str(size), "photos", *words, *options]
        with open(out or os.devnull, "w") as stdout:
            done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
        lines = [line for line in done.stderr.splitlines() if line and "Scoring" not in line]
        return done.returncode, "\n".join(lines)

    left = "What was saved before is complete. Free some space on that disk and start the same"
    status, message = printed(400, "-o", "s.csv")
    assert status == 1
    assert re.fullmatch(rf"No room for '.*s\.csv(\.files)?': .*\. {left} command again\.", message)
    assert predict(run, "photos", "-o", "s.csv", "--batch-size", 1) == 0
    assert len(table(Path("s.csv"))) == 1 + len(NAMES) + 12
    if os.path.exists("/dev/full"):
        status, message = printed(0, out="/dev/full")
        assert status == 1
        assert message.startswith("No room for 'standard output': No space left on device.")
        assert message.count("\n") == 0
    words = [sys.executable, "-c", code, "0", "photos", *options, "--json"]
    begun = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert begun.stdout is not None
    assert begun.stderr is not None
    begun.stdout.readline()
    begun.stdout.close()
    errors = [line for line in begun.stderr.read().splitlines() if line and "Scoring" not in line]
    assert (begun.wait(), errors) == (141, [])


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
        r"No image in the folder 'e'\. Files end in: \.avif, \.bmp, \.gif, \.jfif, \.jp2, \.jpe,"
        r" \.jpeg, \.jpg, \.mpo, \.png, \.ppm, \.tif, \.tiff, \.webp\.": (lambda: Path("e").mkdir(), ["e"]),
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
