"""What may be dropped on the page: one image, not too large, or a sentence with the reason."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from kdiqa.data.images.formats import FORMATS
from kdiqa.data.images.read import ImageReadError, read_rgb

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 50_000_000


def read(path: Path) -> NDArray[np.uint8]:
    """Returns the pixels of an uploaded file, RGB :math:`(H, W, 3)`.

    Raises:
        ValueError: If it is too large, or no image; the message is for whoever dropped it.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(
            f"{path.name} has {size / 2**20:.1f} MiB, and this page takes {MAX_BYTES >> 20}. Save"
            " it smaller, or score it with: kdiqa predict"
        )
    try:
        width, height = declared(path)
        if width * height > MAX_PIXELS:
            raise ValueError(
                f"{path.name} has {width}×{height} pixels, and this page takes"
                f" {MAX_PIXELS // 10**6} megapixels. Shrink it, or score it with: kdiqa predict"
            )
        return read_rgb(path)
    except ImageReadError as error:
        reason = str(error).partition("': ")[2].removesuffix(" Unpack that file again.")
        raise ValueError(f"{path.name} shows no image: {reason}") from error


def declared(path: Path) -> tuple[int, int]:
    """Returns the width and height in a file's header; zeros where no header is known."""
    try:
        with Pillow.open(path, formats=FORMATS) as file:
            return file.size
    except Pillow.DecompressionBombError as error:
        pixels = re.search(r"[0-9]+", str(error))
        return int(pixels[0]) if pixels else MAX_PIXELS + 1, 1
    except Exception:  # of whatever a damaged header raises; decoding has a message for it
        return 0, 0
