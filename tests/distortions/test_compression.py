import io

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from PIL import Image as Pillow
from skimage.metrics import peak_signal_noise_ratio as psnr

from kdiqa.distortions.compression import jpeg, jpeg2000, jpeg_pixels

Pixels = NDArray[np.uint8]


def test_jpeg_psnr_is_that_of_the_specification(astronaut: Pixels) -> None:
    expected = {43: 31.6, 36: 31.1, 24: 29.9, 7: 25.5, 4: 23.0}
    for quality, ratio in expected.items():
        image = jpeg(astronaut / 255, quality, default_rng(0))
        assert psnr(astronaut / 255, image, data_range=1) == pytest.approx(ratio, abs=0.15)


def test_jpeg2000_psnr_is_that_of_the_specification(astronaut: Pixels) -> None:
    expected = {16: 34.8, 32: 30.4, 45: 28.6, 120: 24.3, 400: 20.1}
    for rate, ratio in expected.items():
        image = jpeg2000(astronaut / 255, rate, default_rng(0))
        assert psnr(astronaut / 255, image, data_range=1) == pytest.approx(ratio, abs=0.3)


@pytest.mark.parametrize("quality", [4, 24, 70])
def test_jpeg_is_that_of_pillow(quality: int, astronaut: Pixels) -> None:
    file = io.BytesIO()
    odd = astronaut[:201, :333]
    Pillow.fromarray(odd).save(file, "JPEG", quality=quality)
    difference = np.asarray(Pillow.open(file)).astype(int) - jpeg_pixels(odd, quality)
    # None with libjpeg-turbo 3 in both; other versions may round elsewhere.
    assert (difference**2).mean() < 2
