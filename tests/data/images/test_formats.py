"""Which formats are read, and that no file makes a program start."""

import ast
import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from kdiqa.data.images.formats import FORMATS, SUFFIXES
from kdiqa.data.images.read import ImageReadError, check_image, read_rgb
from tests.fakes import picture

PACKAGE = Path(__file__).parents[3] / "kdiqa"
PICTURE = picture(0, 24, 33)
EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 10 10
%%EndComments
newpath 0 0 moveto 9 9 lineto stroke
%%EOF
"""


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_each_ending_is_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    kind = {".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "MPO"}.get(suffix)
    Image.fromarray(PICTURE).save(path, kind)
    assert check_image(path) is None
    shown = read_rgb(path)
    assert shown.shape == PICTURE.shape
    lossy = suffix in {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".gif", ".avif"}
    assert np.abs(shown.astype(int) - PICTURE).mean() <= (20 if lossy else 0)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (EPS, "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(60), "PostScript"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xd7\xcd\xc6\x9a" + bytes(60), "WMF"),
        (b"8BPS" + bytes(60), "Photoshop"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xff\x0a" + bytes(60), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(40), "HEIC"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(40), "a camera's raw file"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(52), "a camera's raw file"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(44), "a camera's raw file"),
    ],
)
def test_other_formats_are_refused_by_name(content: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    reason = f"it is {name}, which is not read"
    assert check_image(path) == reason
    with pytest.raises(ImageReadError) as error:
        read_rgb(path)
    advice = "Save it as JPEG or PNG of 8 bits."
    assert str(error.value) == f"Cannot read the image '{path}': {reason}. {advice}"


def test_no_file_makes_a_program_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(self: object, command: object, *others: object, **options: object) -> None:
        started.append(command)
        raise OSError("started")

    monkeypatch.setattr(subprocess.Popen, "__init__", start)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", "gs")
    monkeypatch.setattr(EpsImagePlugin, "gs_windows_binary", None)
    with pytest.raises(OSError, match="started"):
        Image.open(io.BytesIO(EPS)).load()  # what Pillow does with all of its readers
    assert len(started) == 1
    started.clear()
    # Behind another format's first bytes too, where the refusal by name does not see it.
    for content in (EPS, b"\n" + EPS, b"P6\n" + EPS, b"RIFF" + EPS, b"GIF8" + EPS, b"II*\0" + EPS):
        path = tmp_path / "a.png"
        path.write_bytes(content)
        with pytest.raises(ImageReadError):
            read_rgb(path)
    assert started == []


def test_pillow_opens_nothing_without_the_list() -> None:
    opened = 0
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "Image.open",
                "Pillow.open",
            ):
                opened += 1
                named = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert "formats" in named, f"{file}:{node.lineno}"
    assert opened >= 7


def test_the_list_is_of_formats_that_pillow_has() -> None:
    Image.init()
    assert set(FORMATS) <= set(Image.OPEN)
