"""What the distortions share: ranges, Lab, and the Gaussian filter of MATLAB."""

import math
import warnings
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import color

# Any, because OpenCV promises no more than some number type for what it returns.
Image = NDArray[Any]  #: float RGB in [0, 1], (H, W, 3)
Pixels = NDArray[Any]  #: uint8 RGB, (H, W, 3)


def to_float(image: Pixels) -> Image:
    """Returns an 8-bit image as float64 in [0, 1], of the same shape."""
    return image / 255.0


def to_uint8(image: Image) -> Pixels:
    """Returns a float image in [0, 1] in 8 bits: clipped, and rounded rather than truncated.

    Example:
        >>> to_uint8(np.array([-0.2, 0.5, 1.0])).tolist()
        [0, 128, 255]
    """
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)


def stretch(image: Image) -> Image:
    """Returns the image stretched to [0, 1] by one minimum and maximum over all its elements.

    MATLAB's ``mapmm`` of the KADIS generator. A constant image is returned as it is.

    Example:
        >>> stretch(np.array([0.2, 0.3, 0.4])).round(6).tolist()
        [0.0, 0.5, 1.0]
    """
    low, high = image.min(), image.max()
    return (image - low) / (high - low) if high > low else image


def gaussian_filter(image: Image, sigma: float) -> Image:
    r"""Returns an image, :math:`(H, W)` or :math:`(H, W, 3)`, as MATLAB's ``imgaussfilt`` does.

    The kernel has :math:`2 \lceil 2 \sigma \rceil + 1` taps; borders are replicated.
    """
    size = 2 * math.ceil(2 * sigma) + 1
    return cv2.GaussianBlur(image, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)


def rgb_to_lab(image: Image) -> Image:
    """Returns CIE Lab (D65) of an RGB image in [0, 1]: L in [0, 100], of the same shape."""
    return color.rgb2lab(image)


def lab_to_rgb(lab: Image) -> Image:
    """Returns RGB in [0, 1] of CIE Lab; colours outside of the gamut are clipped to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*negative Z values")  # clipped: intended
        return np.clip(color.lab2rgb(lab), 0.0, 1.0)
