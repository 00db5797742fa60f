"""Compression of KADID-10k: types 9 and 10.

Every function takes an RGB image, :math:`(H, W, 3)` in [0, 1], the amount of its level, and the
generator of its random draws; it returns an image of the same shape.
"""

import io

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image as Pillow

from kdiqa.distortions.pixels import Image, Pixels, to_float, to_uint8


def jpeg2000(image: Image, ratio: float, rng: Generator) -> Image:
    """Returns the image after JPEG 2000 at a compression of ``ratio`` : 1.

    OpenJPEG with the 5/3 wavelet of Pillow's default; MATLAB uses another codec, whose bits
    differ (the 9/7 wavelet would be 0.5 dB better at the same rate).
    """
    file, options = io.BytesIO(), {"quality_mode": "rates", "quality_layers": [ratio]}
    Pillow.fromarray(to_uint8(image)).save(file, "JPEG2000", **options)
    return to_float(np.asarray(Pillow.open(file, formats=("JPEG", "JPEG2000")).convert("RGB")))


def jpeg(image: Image, quality: float, rng: Generator) -> Image:
    """Returns the image after baseline JPEG of ``quality`` in [1, 100], chroma 4:2:0."""
    return to_float(jpeg_pixels(to_uint8(image), int(quality)))


def jpeg_pixels(pixels: Pixels, quality: int) -> Pixels:
    """Returns 8-bit RGB, :math:`(H, W, 3)`, after baseline JPEG, chroma 4:2:0.

    OpenCV, because its libjpeg gives Pillow's very pixels, in less time; simplejpeg's encoder
    differs from both by 47 dB.
    """
    blue_first = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
