import io
import re
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kdiqa.data.images.read import ImageReadError, check_image, check_images, read_rgb, write_image
from tests.fakes import picture, write

PICTURE = picture(0)
SUFFIXES = (".bmp", ".jpg", ".png")


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".bmp", ".png"])
def test_lossless_files_are_read_as_rgb(tmp_path: Path, suffix: str) -> None:
    image = read_rgb(write(tmp_path / f"a{suffix}", PICTURE))
    np.testing.assert_array_equal(image, PICTURE)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


def test_a_jpeg_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg", PICTURE)
    difference = read_rgb(path).astype(int) - np.asarray(Image.open(path).convert("RGB"))
    assert np.abs(difference).max() <= 2  # two builds of one decoder


def test_a_turned_photograph_is_set_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise by a quarter
    path = save(tmp_path / "a.jpg", Image.fromarray(PICTURE), exif=exif, quality=95)
    upright = np.rot90(PICTURE, -1).astype(int)
    assert read_rgb(path).shape == upright.shape
    assert np.abs(read_rgb(path) - upright).mean() < 4

    exif[0x0112] = 1
    upright_already = save(tmp_path / "b.jpg", Image.fromarray(PICTURE), exif=exif)
    assert read_rgb(upright_already).shape == PICTURE.shape


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("grey.jpg", lambda: Image.new("L", (9, 8), 100), 100),
        ("grey.png", lambda: Image.new("L", (9, 8), 100), 100),
        ("cmyk.jpg", lambda: Image.new("CMYK", (9, 8), (0, 0, 0, 55)), 200),
        ("clear.png", lambda: Image.new("RGBA", (9, 8), (0, 0, 0, 0)), 255),
        ("half.png", lambda: Image.new("LA", (9, 8), (0, 128)), 127),
        ("deep.png", lambda: Image.fromarray(np.full((8, 9), 25700, np.uint16)), 100),
        ("deep.tif", lambda: Image.fromarray(np.full((8, 9), 25700, np.uint16)), 100),
        ("palette.png", lambda: Image.new("L", (9, 8), 100).convert("P"), 100),
        ("bits.png", lambda: Image.new("1", (9, 8), 1), 255),
        ("palette.bmp", lambda: Image.new("L", (9, 8), 100), 100),
        ("one.webp", lambda: Image.new("RGB", (9, 8), (100, 100, 100)), 100),
    ],
)
def test_every_kind_of_colour_becomes_rgb(
    tmp_path: Path, name: str, make: Callable[[], Image.Image], expected: int
) -> None:
    image = read_rgb(save(tmp_path / name, make()))
    assert image.shape == (8, 9, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - expected).max() <= 1


def test_an_animation_is_refused_by_name(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 8), colour) for colour in ("red", "green", "blue")]
    path = save(tmp_path / "a.webp", frames[0], save_all=True, append_images=frames[1:])
    with pytest.raises(ImageReadError) as error:
        read_rgb(path)
    assert str(error.value) == (
        f"Cannot read the image '{path}': it is animated, with 3 frames. Unpack that file again."
    )


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        (".jpg", "JPEG cut short, no end marker"),
        (".png", "PNG cut short, no IEND chunk"),
        (".bmp", "BMP cut short, 4000 of 9270 bytes"),
    ],
)
def test_a_cut_file_is_refused_by_name(tmp_path: Path, suffix: str, reason: str) -> None:
    path = write(tmp_path / f"a{suffix}", PICTURE)
    size = 4000 if suffix == ".bmp" else path.stat().st_size * 2 // 3
    path.write_bytes(path.read_bytes()[:size])
    message = f"Cannot read the image '{path}': {reason}. Unpack that file again."
    with pytest.raises(ImageReadError, match=f"^{re.escape(message)}$"):
        read_rgb(path)


def test_a_file_damaged_in_the_middle_passes_the_check_and_is_refused_by_name(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.png", PICTURE)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    assert check_image(path) is None
    message = f"Cannot read the image '{path}': broken data stream when reading image file. Unpack that file again."
    with pytest.raises(ImageReadError, match=f"^{re.escape(message)}$"):
        read_rgb(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file. Look at its path."),
        (b"", "empty file. Unpack that file again."),
        (
            b"<html>404</html>",
            "its bytes are of no known image format. Unpack that file again.",
        ),
        (b"\xff\xd8\xff\xe0", "JPEG cut short, no end marker. Unpack that file again."),
    ],
    ids=["missing", "empty", "html", "marker"],
)
def test_what_is_no_image_is_refused_by_name(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageReadError) as error:
        read_rgb(path)
    assert str(error.value) == f"Cannot read the image '{path}': {reason}"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_check_passes_whole_files(tmp_path: Path, suffix: str) -> None:
    assert check_image(write(tmp_path / f"a{suffix}", PICTURE)) is None


@pytest.mark.parametrize(
    ("suffix", "fault"),
    [
        (".jpg", "JPEG cut short, no end marker"),
        (".png", "PNG cut short, no IEND chunk"),
        (".bmp", "BMP cut short, 9269 of 9270 bytes"),
    ],
)
@pytest.mark.parametrize("missing", [1, 0.5])
def test_the_check_finds_a_cut_however_little_is_missing(
    tmp_path: Path, suffix: str, fault: str, missing: float
) -> None:
    path = write(tmp_path / f"a{suffix}", PICTURE)
    data = path.read_bytes()
    path.write_bytes(data[: -1 if missing == 1 else len(data) // 2])
    assert check_image(path) == fault.replace("9269", str(path.stat().st_size))


def test_a_thumbnail_does_not_pass_for_the_end_of_a_photograph(tmp_path: Path) -> None:
    data = write(tmp_path / "a.jpg", PICTURE).read_bytes()
    thumbnail = write(tmp_path / "b.jpg", PICTURE[::2, ::2]).read_bytes()
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    path = tmp_path / "c.jpg"
    path.write_bytes(data[:2] + segment + data[2:])
    assert check_image(path) is None
    path.write_bytes(data[:2] + segment + data[2:-40])
    assert check_image(path) == "JPEG cut short, no end marker"


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_what_a_program_wrote_behind_the_image_is_no_fault(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"a{suffix}", PICTURE)
    path.write_bytes(path.read_bytes() + bytes(500))
    assert check_image(path) is None
    assert read_rgb(path).shape == PICTURE.shape


def test_all_faults_are_found_at_once_and_in_order(tmp_path: Path) -> None:
    complete = [write(tmp_path / f"{i}.png", PICTURE) for i in range(200)]
    empty, html, gone = (tmp_path / name for name in ("empty.jpg", "page.jpg", "gone.jpg"))
    empty.touch()
    html.write_bytes(b"<html>404</html>")
    assert check_images([gone, *complete, html, empty, html]) == {
        gone: "missing",
        html: "its bytes are of no known image format",
        empty: "empty file",
    }


def test_a_image_with_another_suffix_is_read_by_its_bytes(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "PNG")
    path = tmp_path / "a.jpg"
    path.write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(read_rgb(path), PICTURE)


def test_many_writers_of_one_file_leave_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: write_image(path, picture(4)), range(40)))
    np.testing.assert_array_equal(read_rgb(path), picture(4))
    assert list(tmp_path.iterdir()) == [path]
