"""Whatever bytes a file holds: a picture, or one error that names the file."""

from __future__ import annotations

import io
import random
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import kdiqa
from kdiqa.data.images.read import ImageReadError, check_image, read_rgb
from tests.fakes import noisy, picture

ROUNDS = 40  # of each kind
REFUSED = ("float tiff", "integer tiff", "lab")  # by name, with the reason
ADVICE = (
    r"(Unpack that file again|Save it as JPEG or PNG of 8 bits"
    r"|Score it with kdiqa predict --max-megapixels \d+)"
)
KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "jpeg": ("RGB", {"format": "JPEG"}),
    "progressive": ("RGB", {"format": "JPEG", "progressive": True}),
    "grey jpeg": ("L", {"format": "JPEG"}),
    "cmyk": ("CMYK", {"format": "JPEG"}),
    "png": ("RGB", {"format": "PNG"}),
    "png with alpha": ("RGBA", {"format": "PNG"}),
    "palette": ("P", {"format": "PNG"}),
    "one bit": ("1", {"format": "PNG"}),
    "grey 16": ("I;16", {"format": "PNG"}),
    "bmp": ("RGB", {"format": "BMP"}),
    "gif": ("P", {"format": "GIF"}),
    "tiff": ("RGB", {"format": "TIFF"}),
    "float tiff": ("F", {"format": "TIFF"}),
    "integer tiff": ("I", {"format": "TIFF"}),
    "packed tiff": ("RGB", {"format": "TIFF", "compression": "tiff_lzw"}),
    "lab": ("LAB", {"format": "TIFF"}),
    "webp": ("RGB", {"format": "WEBP"}),
    "ppm": ("RGB", {"format": "PPM"}),
}


def encoded(kind: str) -> bytes:
    mode, options = KINDS[kind]
    image = Pillow.fromarray(noisy(picture(0), 20.0))
    if mode == "I;16":
        image = Pillow.fromarray((np.asarray(image.convert("L"), np.uint16) << 8) + 7)
    elif mode == "LAB":
        image = Pillow.new("LAB", image.size, (120, 130, 140))
    else:
        image = image.convert(mode)
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def spoilt(data: bytes, draw: random.Random) -> Iterator[bytes]:
    """Yields a file's bytes cut, overwritten, repeated, and wrong in some bits."""
    for _ in range(ROUNDS // 4):
        yield data[: draw.randrange(len(data))]
        place, length = draw.randrange(len(data)), draw.randrange(1, 40)
        yield data[:place] + draw.randbytes(length) + data[place + length :]
        yield data[:place] + data[max(0, place - length) :]
        wrong = bytearray(data)
        for _ in range(draw.randrange(1, 6)):
            wrong[draw.randrange(min(len(wrong), 400))] ^= 1 << draw.randrange(8)
        yield bytes(wrong)


def is_read_or_named(path: Path) -> bool:
    """Returns whether a file was read; fails for anything but a picture or its own error."""
    check_image(path)
    try:
        image = read_rgb(path)
    except ImageReadError as error:
        message = f"^Cannot read the image '{re.escape(str(path))}': [^\n]+\\. {ADVICE}\\.$"
        assert re.match(message, str(error)), error  # noqa: PT017
        return False
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.size
    return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "seed", ["", *(pytest.param(seed, marks=pytest.mark.slow) for seed in "123456789")]
)
def test_a_spoilt_file_is_read_or_named(kind: str, seed: str, tmp_path: Path) -> None:
    path, data = tmp_path / "picture ü.img", encoded(kind)
    path.write_bytes(data)
    complete = is_read_or_named(path)
    assert complete == (kind not in REFUSED)
    named = 0
    for spoil in spoilt(data, random.Random(kind + seed)):
        path.write_bytes(spoil)
        named += not is_read_or_named(path)
    assert named >= ROUNDS // 8  # most cuts are noticed, whatever the format


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_named(seed: int, tmp_path: Path) -> None:
    path, draw = tmp_path / "noise.jpg", random.Random(seed)
    for head in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"GIF89a", b"RIFF"):
        path.write_bytes(head + draw.randbytes(draw.randrange(300)))
        assert not is_read_or_named(path)


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        )

    side = 50_000
    head = side.to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    pixels = zlib.compress(bytes(1_000_000), 9) * 3
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
    with pytest.raises(
        ImageReadError, match=r"^Cannot read the image '.*bomb\.png': its header "
    ) as caught:
        read_rgb(path)
    assert str(caught.value) == (
        f"Cannot read the image '{path}': its header says 50000×50000 pixels, and more than"
        " 100 megapixels are not read. Score it with kdiqa predict --max-megapixels 2500."
    )


@pytest.mark.parametrize("kind", [*KINDS, "colours of 16 bits"])
def test_opencv_decodes_no_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = np.arange(48 * 64 * 3, dtype=np.uint16).reshape(48, 64, 3)
    data = cv2.imencode(".png", deep)[1].tobytes() if kind not in KINDS else encoded(kind)

    def refuse(*words: object) -> None:
        raise AssertionError("OpenCV was asked")

    for name in ("imdecode", "imread", "imdecodemulti", "imreadmulti"):
        monkeypatch.setattr(cv2, name, refuse)
    path = tmp_path / "picture.img"
    path.write_bytes(data)
    assert is_read_or_named(path) == (kind not in REFUSED)
    for spoil in spoilt(data, random.Random(kind)):
        path.write_bytes(spoil)
        is_read_or_named(path)


def test_nothing_else_gives_opencv_a_file() -> None:
    package = Path(kdiqa.__file__).parent
    asks = re.compile(r"cv2\.(imdecode|imread|VideoCapture)")
    files = [path for path in package.rglob("*.py") if asks.search(path.read_text())]
    # It decodes the JPEG that it has just encoded itself.
    assert [path.name for path in files] == ["compression.py"]
