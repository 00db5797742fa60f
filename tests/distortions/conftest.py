"""A natural image for the tests of distortions: it comes inside scikit-image."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """Returns 512 x 512 pixels of 8-bit RGB that nobody can change."""
    image = data.astronaut()
    image.setflags(write=False)
    return image


@pytest.fixture(scope="session")
def photograph(astronaut: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the same at 192 x 160, float in [0, 1], that nobody can change."""
    image = cv2.resize(astronaut, (160, 192), interpolation=cv2.INTER_AREA) / 255.0
    image = (image - image.min()) / (image.max() - image.min())  # mapmm is then an identity
    image.setflags(write=False)
    return image
