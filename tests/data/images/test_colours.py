"""Every kind of file gives the picture a viewer shows, or an error that names it."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from kdiqa.data.images.read import ImageReadError, read_rgb
from tests.fakes import picture

PICTURE = picture(0, 24, 33)
DEEP = np.random.default_rng(0).integers(0, 65536, (24, 33, 4), dtype=np.uint16)
RULE = np.rint(DEEP / 257).astype(np.uint8)


def encoded(suffix: str, image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


def read(folder: Path, data: bytes) -> np.ndarray:
    path = folder / "a.bin"
    path.write_bytes(data)
    return read_rgb(path)


def png(width: int, height: int, depth: int, colour: int, raw: bytes, *more: bytes) -> bytes:
    """Returns a PNG of these scan lines; ``more`` are whole chunks before and after them."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    middle = chunk(b"IDAT", zlib.compress(raw))
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), *more, middle, chunk(b"IEND", b"")]
    )


def chunk(name: bytes, data: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + crc


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_all_eight_turns_are_undone_as_pillow_does(
    suffix: str, orientation: int, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(suffix, Image.fromarray(PICTURE), exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    np.testing.assert_allclose(read(tmp_path, data).astype(int), expected, atol=2)


def test_a_turn_is_found_behind_long_segments_and_behind_the_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = encoded("JPEG", Image.fromarray(PICTURE), quality=95)
    turned = encoded("JPEG", Image.fromarray(PICTURE), quality=95, exif=exif)
    comment = b"\xff\xfe" + struct.pack(">H", 60_000) + bytes(59_998)
    far = turned[:2] + comment * 3 + turned[2:]
    np.testing.assert_array_equal(read(tmp_path, far), np.rot90(read(tmp_path, plain), -1))

    plain = encoded("PNG", Image.fromarray(PICTURE))
    behind = plain[:-12] + chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + plain[-12:]
    np.testing.assert_array_equal(read(tmp_path, behind), np.rot90(PICTURE, -1))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_become_eight_by_rounding(suffix: str, tmp_path: Path) -> None:
    for colours in (DEEP[..., :3], DEEP[..., 0]):
        data = cv2.imencode(suffix, colours)[1].tobytes()
        grey = colours.ndim == 2
        expected = np.repeat(RULE[..., :1], 3, axis=2) if grey else RULE[..., 2::-1]
        np.testing.assert_array_equal(read(tmp_path, data), expected)


def test_a_image_of_sixteen_bits_is_laid_over_white(tmp_path: Path) -> None:
    alpha = DEEP[..., 3:] / 65535
    over = DEEP[..., 2::-1] * alpha + 65535 * (1 - alpha)
    image = read(tmp_path, cv2.imencode(".png", DEEP)[1].tobytes())
    np.testing.assert_array_equal(image, np.rint(over / 257).astype(np.uint8))


def test_transparency_of_every_kind_shows_white(tmp_path: Path) -> None:
    grey = np.arange(200, dtype=np.uint8).reshape(10, 20)
    alpha = grey[::-1]
    over = np.rint(grey * (alpha / 255) + 255 * (1 - alpha / 255))
    bands = Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))
    for image in (bands, bands.convert("RGBA")):
        shown = read(tmp_path, encoded("PNG", image))
        assert np.abs(shown - over[..., None]).max() <= 1
    palette = Image.fromarray(grey % 2, "P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    shown = read(tmp_path, encoded("PNG", palette, transparency=0))
    assert shown[0, :2].tolist() == [[255] * 3, [40, 50, 60]]
    rgb = encoded("PNG", Image.fromarray(PICTURE), transparency=tuple(PICTURE[3, 4].tolist()))
    assert read(tmp_path, rgb)[3, 4].tolist() == [255, 255, 255]


def test_print_colours_are_turned_as_pillow_turns_them(tmp_path: Path) -> None:
    inks = Image.fromarray(np.dstack([PICTURE, PICTURE[..., 0]]), "CMYK")
    data = encoded("JPEG", inks, quality=95)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(read(tmp_path, data), expected)
    ink = 255 - np.asarray(inks)[..., :3].astype(float)
    closed = ink * (255 - np.asarray(inks)[..., 3:]) / 255
    assert np.abs(expected - closed).mean() < 5


def test_a_progressive_photograph_and_a_camera_pair_are_read(tmp_path: Path) -> None:
    photo, other = Image.fromarray(PICTURE), Image.fromarray(PICTURE[::-1])
    for data in (
        encoded("JPEG", photo, progressive=True),
        encoded("MPO", photo, save_all=True, append_images=[other]),
    ):
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
        np.testing.assert_allclose(read(tmp_path, data).astype(int), expected, atol=2)


def pattern_of(reason: str, advice: str = "Unpack that file again") -> str:
    """Returns the pattern of the complete message of a file that is refused."""
    return rf"Cannot read the image '\S+': {reason}\. {advice}\."


@pytest.mark.parametrize("suffix", ["WEBP", "PNG", "TIFF", "AVIF"])
def test_moving_images_are_refused(suffix: str, tmp_path: Path) -> None:
    frames = [Image.fromarray(picture(i, 24, 33)) for i in range(3)]
    data = encoded(suffix, frames[0], save_all=True, append_images=frames[1:])
    with pytest.raises(ImageReadError, match=f"^{pattern_of('it is animated, with 3 frames')}$"):
        read(tmp_path, data)
    if suffix == "PNG":
        padded = data[:33] + chunk(b"tEXt", b"a\0" + bytes(9000)) + data[33:]
        with pytest.raises(
            ImageReadError, match=f"^{pattern_of('it is animated, with 3 frames')}$"
        ):
            read(tmp_path, padded)


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("F", "its samples are floating point, and unsigned integers are read"),
        ("I", "its samples are signed integers, and unsigned integers are read"),
        ("LAB", "its pixels are of Pillow's mode LAB, which is no RGB"),
    ],
)
def test_numbers_that_are_no_colours_are_refused(mode: str, text: str, tmp_path: Path) -> None:
    pattern = pattern_of(text, "Save it as JPEG or PNG of 8 bits")
    with pytest.raises(ImageReadError, match=f"^{pattern}$"):
        read(tmp_path, encoded("TIFF", Image.new(mode, (9, 8))))


@pytest.mark.parametrize("suffix", ["GIF", "MPO"])
def test_the_first_of_several_frames_is_the_picture(suffix: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 8), colour) for colour in ("red", "green", "blue")]
    data = encoded(suffix, frames[0], save_all=True, append_images=frames[1:])
    assert np.abs(read(tmp_path, data).astype(int) - (255, 0, 0)).max() <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "grey PNG"])
def test_a_header_of_millions_takes_no_memory(kind: str, tmp_path: Path) -> None:
    small = Image.fromarray(PICTURE)
    if kind == "JPEG":
        data = bytearray(encoded("JPEG", small))
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", 10_000, 20_000)
    elif kind == "BMP":  # compressed, or its size would give it away
        data = bytearray(encoded("BMP", small))
        data[18:26], data[30] = struct.pack("<ii", 20_000, 10_000), 1
    elif kind == "TIFF":
        data = bytearray(encoded("TIFF", small))
        for size, huge in ((33, 20_000), (24, 10_000)):
            entry = struct.pack("<HHI", 256 if size == 33 else 257, 4, 1)
            at = data.find(entry + struct.pack("<I", size))
            assert at > 0
            data[at + 8 : at + 12] = struct.pack("<I", huge)
    else:
        data = bytearray(png(20_000, 10_000, 8, 0 if kind[0] == "g" else 2, b""))
    tracemalloc.start()
    with pytest.raises(ImageReadError) as error:
        read(tmp_path, bytes(data))
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()
    assert "20000×10000 pixels, and more than 100 megapixels are not read" in str(error.value)


FORMATS = {
    "JPEG": {},
    "progressive": {"progressive": True},
    "turned": {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"},
    "CMYK": {},
    "PNG": {},
    "16-bit PNG": {},
    "palette PNG": {},
    "BMP": {},
    "GIF": {},
    "TIFF": {},
    "LZW TIFF": {"compression": "tiff_lzw"},
    "WEBP": {},
}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_cut_anywhere_is_whole_or_refused(kind: str, tmp_path: Path) -> None:
    image = Image.fromarray(PICTURE)
    if kind in ("CMYK", "palette PNG"):
        image = image.convert("CMYK" if kind == "CMYK" else "P")
    suffix = kind.split()[-1] if kind.split()[-1] in Image.SAVE else "JPEG"
    data = encoded(suffix, image, **FORMATS[kind])
    if kind == "16-bit PNG":
        data = cv2.imencode(".png", DEEP[..., :3])[1].tobytes()
    complete, path = read(tmp_path, data), tmp_path / "cut.bin"
    for cut in np.linspace(0, len(data) - 1, 60).astype(int):
        path.write_bytes(data[:cut])
        try:
            image_or_error: object = read_rgb(path)
        except ImageReadError as error:
            image_or_error = str(error)
        if isinstance(image_or_error, str):
            assert str(path) in image_or_error
        else:
            np.testing.assert_array_equal(image_or_error, complete)
