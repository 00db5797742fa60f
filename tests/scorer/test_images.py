"""The same picture is the same pixels, whatever way it is handed over."""

import io

import numpy as np
import pytest
from PIL import Image

from kdiqa.scorer.images import to_pixels
from tests.fakes import picture

PICTURE = picture(0, 24, 33)


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_file_is_the_same_by_its_bytes_and_by_pillow(mode: str, orientation: int) -> None:
    image = Image.fromarray(PICTURE)
    if mode == "I;16":
        image = Image.fromarray(PICTURE[..., 0].astype(np.uint16) * 257)
    elif mode in ("LA", "RGBA"):
        image.putalpha(Image.fromarray(PICTURE[::-1, :, 1]))
        image = image.convert(mode)
    else:
        image = image.convert(mode)
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    image.save(file, "TIFF" if mode == "CMYK" else "PNG", exif=exif)
    read, _ = to_pixels(file.getvalue())
    assert read.shape == ((33, 24, 3) if orientation == 6 else (24, 33, 3))
    np.testing.assert_array_equal(to_pixels(Image.open(file))[0], read)


def test_grey_has_three_equal_channels() -> None:
    grey = np.ascontiguousarray(PICTURE[..., 0])
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    np.testing.assert_array_equal(to_pixels(grey)[0], to_pixels(file.getvalue())[0])
