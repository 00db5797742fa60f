"""Colours of an embedded profile are scored as they are shown: in sRGB."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from kdiqa.data.images.colour import to_srgb, transform
from kdiqa.data.images.read import decode
from tests.fakes import picture

PICTURE = picture(0, 24, 33)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Colourants of the profiles, adapted to D50 by Bradford's matrix, as their makers publish them.
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
TO_SRGB = np.array(  # linear Display P3 to linear sRGB, both of D65
    [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]
)


def number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def profile(space: bytes, gamma: float | None, *colourants: tuple[float, float, float]) -> bytes:
    """Returns a profile of a tone curve (None: sRGB's) and red's, green's and blue's XYZ."""
    if gamma is None:
        values = (1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
        curve = b"para\0\0\0\0\0\3\0\0" + b"".join(map(number, (2.4, *values)))
    else:
        curve = b"para\0\0\0\0\0\0\0\0" + number(gamma)
    names = {b"desc": b"desc\0\0\0\0\0\0\0\2x\0" + bytes(78), b"cprt": b"text\0\0\0\0x\0\0\0"}
    names[b"wtpt"] = b"XYZ \0\0\0\0" + b"".join(map(number, (0.9642, 1.0, 0.8249)))
    for channel, xyz in zip((b"r", b"g", b"b"), colourants, strict=False):
        names[channel + b"XYZ"] = b"XYZ \0\0\0\0" + b"".join(map(number, xyz))
        names[channel + b"TRC"] = curve
    if space == b"GRAY":
        names[b"kTRC"] = curve
    table, body = b"", b""
    start = 132 + 12 * len(names)
    for name, content in names.items():
        padded = content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", start + len(body), len(content))
        body += padded
    white = b"".join(map(number, (0.9642, 1.0, 0.8249)))
    head = struct.pack(
        ">I4sI4s4s4s", start + len(body), b"lcms", 0x02400000, b"mntr", space, b"XYZ "
    )
    head += bytes(12) + b"acsp" + bytes(28) + white
    return head.ljust(128, b"\0") + struct.pack(">I", len(names)) + table + body


def encoded(suffix: str, image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


def by_formula(pixels: np.ndarray) -> np.ndarray:
    """Returns Display P3 in sRGB by the matrix and the curve of both."""
    values = pixels / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    out = (linear @ TO_SRGB.T).clip(0, 1)
    return 255 * np.where(out <= 0.0031308, 12.92 * out, 1.055 * out ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_display_p3_is_shown_in_srgb_whatever_the_format(suffix: str) -> None:
    lossless = {"WEBP": {"lossless": True}}.get(suffix, {})
    image = Image.fromarray(PICTURE)
    plain = decode(encoded(suffix, image, **lossless))
    shown = decode(encoded(suffix, image, icc_profile=profile(b"RGB ", None, *P3), **lossless))
    assert np.abs(shown - by_formula(plain)).max() < 3
    assert np.abs(shown.astype(int) - plain).max() > 8


@pytest.mark.parametrize(("gamma", "colourants"), [(None, P3), (2.19922, ADOBE)])
def test_colours_are_those_of_littlecms(gamma: float | None, colourants: tuple) -> None:
    data = profile(b"RGB ", gamma, *colourants)
    expected = ImageCms.profileToProfile(
        Image.fromarray(PICTURE),
        ImageCms.ImageCmsProfile(io.BytesIO(data)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    np.testing.assert_array_equal(to_srgb(PICTURE, data), np.asarray(expected))


def test_a_photograph_of_16_bits_is_shown_in_srgb() -> None:
    data = profile(b"RGB ", None, *P3)
    buffer = io.BytesIO()
    tag = [(34675, "B", len(data), data, True)]
    deep = PICTURE.astype(np.uint16) * 257
    tifffile.imwrite(buffer, deep, photometric="rgb", metadata=None, extratags=tag)
    np.testing.assert_array_equal(decode(buffer.getvalue()), to_srgb(PICTURE, data))


def test_a_grey_profile_moves_grey_and_leaves_colours() -> None:
    data = profile(b"GRAY", 1.8)
    grey = np.repeat(PICTURE[..., :1], 3, axis=2)
    linear = (grey / 255) ** 1.8
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    for suffix in ("PNG", "TIFF"):
        shown = decode(encoded(suffix, Image.fromarray(PICTURE[..., 0]), icc_profile=data))
        assert np.abs(shown - 255 * curve).max() < 3
    np.testing.assert_array_equal(to_srgb(PICTURE, data), PICTURE)


@pytest.mark.parametrize(
    "data", [SRGB, profile(b"RGB ", None, (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708),
                           (0.14307, 0.06061, 0.7141)), b"no profile", b""],
    ids=["lcms", "by hand", "damaged", "empty"],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["JPEG", "PNG"])
def test_srgb_by_any_name_and_what_is_damaged_change_nothing(suffix: str, data: bytes) -> None:
    image = Image.fromarray(PICTURE)
    shown = decode(encoded(suffix, image, icc_profile=data))
    np.testing.assert_array_equal(shown, decode(encoded(suffix, image)))
    assert transform(data) is None


def test_white_and_black_stay() -> None:
    ends = np.array([[[255] * 3, [0] * 3]], np.uint8)
    for data in (profile(b"RGB ", None, *P3), profile(b"RGB ", 2.19922, *ADOBE)):
        np.testing.assert_array_equal(to_srgb(ends, data), ends)
