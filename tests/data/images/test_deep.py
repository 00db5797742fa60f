"""Files of 16 bits have the values of their twins of 8, whatever their tags say."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from kdiqa.data.images.read import ImageReadError, decode, read_rgb
from tests.data.images.test_colours import chunk, png
from tests.fakes import picture

BASE = picture(0, 24, 33)
ALPHA = np.linspace(0, 255, 24 * 33).reshape(24, 33, 1).round().astype(np.uint8)
KINDS = {  # what tifffile is told to write, and the channels of it
    "RGB": ({}, BASE),
    "big-endian": ({"byteorder": ">"}, BASE),
    "planes apart": ({"planarconfig": "separate"}, BASE),
    "white is zero": ({"photometric": "miniswhite"}, BASE[..., 0]),
    "grey": ({"photometric": "minisblack"}, BASE[..., 0]),
    "BigTIFF": ({"bigtiff": True}, BASE),
    "LZW": ({"compression": "lzw", "predictor": True}, BASE),
    "deflate in strips": ({"compression": "zlib", "rowsperstrip": 5}, BASE),
    "tiles": ({"tile": (16, 16)}, BASE),
    "straight alpha": ({"extrasamples": ["unassalpha"]}, np.dstack([BASE, ALPHA])),
    "unspecified extra": ({"extrasamples": ["unspecified"]}, np.dstack([BASE, ALPHA])),
    "premultiplied alpha": (
        {"extrasamples": ["assocalpha"]},
        np.dstack([(BASE * (ALPHA / 255)).round().astype(np.uint8), ALPHA]),
    ),
    "premultiplied planes apart": (
        {"extrasamples": ["assocalpha"], "planarconfig": "separate"},
        np.dstack([(BASE * (ALPHA / 255)).round().astype(np.uint8), ALPHA]),
    ),
}


def tiff(samples: np.ndarray, **options: object) -> bytes:
    """Returns a TIFF of samples whose last axis are channels."""
    colours = "rgb" if samples.ndim == 3 else "minisblack"
    if options.get("planarconfig") == "separate":
        samples = np.ascontiguousarray(np.moveaxis(samples, -1, 0))
    buffer = io.BytesIO()
    given = {"photometric": colours, "metadata": None, **options}
    tifffile.imwrite(buffer, samples, **given)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiff_has_the_values_of_its_twin(kind: str) -> None:
    options, samples = KINDS[kind]
    shown = decode(tiff(samples.astype(np.uint16) * 257, **options))
    assert shown.shape == BASE.shape
    assert shown.std() > 20
    together = {name: value for name, value in options.items() if name != "planarconfig"}
    twin = decode(tiff(samples, **together))
    # A premultiplied colour of 8 bits is rounded once more before Pillow divides and multiplies.
    most = 3 if kind.startswith("premultiplied") else 1
    assert np.abs(shown.astype(int) - twin).max() <= most


def test_premultiplied_colours_are_laid_over_white_by_the_formula() -> None:
    alpha = ALPHA / 255
    colours = np.rint(BASE * 257.0 * alpha)
    samples = np.dstack([colours, ALPHA * 257.0]).astype(np.uint16)
    expected = np.rint(colours / 257 + 255 * (1 - alpha))
    shown = decode(tiff(samples, extrasamples=["assocalpha"]))
    assert np.abs(shown - expected).max() <= 1
    straight = decode(tiff(samples, extrasamples=["unassalpha"]))
    assert np.abs(straight - expected).max() > 20  # the tag decides


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_all_eight_turns_are_obeyed_once(orientation: int, byteorder: str) -> None:
    turn = [(274, "H", 1, orientation, True)]
    twin = decode(tiff(BASE, extratags=turn, byteorder=byteorder))
    deep = decode(tiff(BASE.astype(np.uint16) * 257, extratags=turn, byteorder=byteorder))
    np.testing.assert_array_equal(deep, twin)
    turned = {1: BASE, 3: BASE[::-1, ::-1], 6: np.rot90(BASE, -1), 8: np.rot90(BASE)}
    if orientation in turned:
        np.testing.assert_array_equal(deep, turned[orientation])


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_turn_in_xmp_is_obeyed_at_both_depths(depth: type) -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    samples = BASE.astype(depth) * (257 if depth is np.uint16 else 1)
    data = tiff(samples, extratags=[(700, "B", len(xmp), xmp, True)])
    np.testing.assert_array_equal(decode(data), np.rot90(BASE, -1))


@pytest.mark.parametrize(
    ("samples", "options", "reason"),
    [
        (np.zeros((8, 9, 3), np.float32), {}, "its samples are floating point, and unsigned "
         "integers are read"),
        (np.zeros((8, 9, 3), np.float16), {}, "its samples are floating point, and unsigned "
         "integers are read"),
        (np.zeros((8, 9, 3), np.uint32), {}, "its samples have 32 bits, and 8 or 16 are read"),
        (np.zeros((8, 9, 4), np.uint16), {"photometric": "separated"},
         "its 16 bits are CMYK, and grey and RGB are read"),
        (np.zeros((8, 9, 5), np.uint16), {"extrasamples": ["unspecified"] * 2},
         "it has 5 channels of 16 bits, and 3 are read, or 4 with transparency"),
        (np.zeros((8, 9, 3), np.uint16), {"compression": "zstd"},
         "its 16 bits are packed by ZSTD, and none, LZW, deflate, PackBits are read"),
        (np.zeros((8, 9), np.uint16), {"photometric": 32803}, "it is a camera's raw file, which "
         "is not read"),
        (np.zeros((8, 9, 3), np.uint16), {"extratags": [(50706, "B", 4, b"\1\4\0\0", True)]},
         "it is a camera's raw file, which is not read"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_refused_by_name(
    samples: np.ndarray, options: dict[str, object], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(samples, **options))
    with pytest.raises(ImageReadError) as error:
        read_rgb(path)
    advice = "Save it as JPEG or PNG of 8 bits."
    assert str(error.value) == f"Cannot read the image '{path}': {reason}. {advice}"


def test_a_thumbnail_behind_the_picture_is_passed_over() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(BASE.astype(np.uint16) * 257, photometric="rgb", metadata=None)
        file.write(BASE[::2, ::2].copy(), photometric="rgb", metadata=None, subfiletype=1)
    np.testing.assert_array_equal(decode(buffer.getvalue()), BASE)


@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"compression": "zlib"}])
def test_a_cut_file_is_whole_or_refused(options: dict[str, object]) -> None:
    data = tiff(np.random.default_rng(0).integers(0, 65536, (24, 33, 3), np.uint16), **options)
    complete = decode(data)
    for cut in np.linspace(0, len(data) - 1, 40).astype(int):
        try:
            np.testing.assert_array_equal(decode(data[:cut]), complete)
        except ImageReadError:
            continue


@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"compression": "zlib"}])
def test_a_damaged_file_raises_nothing_but_a_refusal(options: dict[str, object]) -> None:
    data = tiff(BASE.astype(np.uint16) * 257, **options)
    rng = np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(data)
        damaged[int(rng.integers(0, len(data)))] ^= int(rng.integers(1, 256))
        try:
            decode(bytes(damaged))
        except ImageReadError:
            continue


@pytest.mark.parametrize(("depth", "key"), [(8, 18), (16, 0x1234)])
def test_a_grey_transparency_key_shows_white(depth: int, key: int) -> None:
    values = np.full((16, 16), 40 * (257 if depth == 16 else 1), ">u2" if depth == 16 else "u1")
    values[:8] = key
    lines = b"".join(b"\0" + row.tobytes() for row in values)
    shown = decode(png(16, 16, depth, 0, lines, chunk(b"tRNS", struct.pack(">H", key))))
    assert shown[0, 0].tolist() == [255] * 3
    assert shown[-1, 0].tolist() == [40] * 3


def test_a_png_of_16_bits_is_turned_as_its_twin() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in BASE.astype(np.uint16) * 257)
    turn = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    np.testing.assert_array_equal(decode(png(33, 24, 16, 2, lines, turn)), np.rot90(BASE, -1))
