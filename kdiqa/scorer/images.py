"""Images as a program has them: paths, arrays, tensors, Pillow's."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from kdiqa.data.images.read import read_rgb

Image = str | Path | NDArray[np.uint8] | Tensor | Pillow.Image


def to_pixels(image: Any) -> tuple[NDArray[np.uint8], Path | None]:
    """Returns an image's pixels, RGB uint8 :math:`(H, W, 3)`, and its file if it has one."""
    if isinstance(image, str | Path):
        return read_rgb(Path(image)), Path(image)
    if isinstance(image, Pillow.Image):
        return np.asarray(image.convert("RGB")), None
    if isinstance(image, Tensor):
        pixels = image.detach().cpu()
        inside = pixels.is_floating_point() and bool(((pixels >= 0) & (pixels <= 1)).all())
        if inside:
            pixels = (255 * pixels.float()).round().to(torch.uint8)
        if pixels.dtype == torch.uint8 and pixels.ndim == 3 == len(pixels) and pixels.numel():
            return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()), None
        raise ValueError(
            f"A tensor of {image.dtype} {tuple(image.shape)} is no image. Give (3, H, W), uint8 or"
            " floats in [0, 1]; of several images, a list."
        )
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f"No image can be made of {getattr(image, 'shape', type(image).__name__)}. Give a"
            " path, an array (H, W, 3), a tensor (3, H, W), a Pillow image, or a list of them."
        )
    if image.dtype != np.uint8 or not image.size:
        raise ValueError(
            f"An array of {image.dtype} {image.shape} is no image. Give uint8 RGB, (H, W, 3)."
        )
    return np.ascontiguousarray(image), None
