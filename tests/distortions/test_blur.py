import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy import ndimage

from kdiqa.distortions.blur import (
    disk_kernel,
    gaussian_blur,
    lens_blur,
    motion_blur,
    motion_kernel,
)


def test_disk_of_radius_2_is_that_of_the_specification() -> None:
    expected = [
        [0.0000, 0.0170, 0.0381, 0.0170, 0.0000],
        [0.0170, 0.0784, 0.0796, 0.0784, 0.0170],
        [0.0381, 0.0796, 0.0796, 0.0796, 0.0381],
        [0.0170, 0.0784, 0.0796, 0.0784, 0.0170],
        [0.0000, 0.0170, 0.0381, 0.0170, 0.0000],
    ]
    np.testing.assert_allclose(disk_kernel(2), expected, atol=5e-5)


@pytest.mark.parametrize("radius", [1, 2, 4, 6, 8, 2.3])
def test_disk_is_the_share_of_each_pixel_inside_a_circle(radius: float) -> None:
    kernel = disk_kernel(radius)
    half, fine = len(kernel) // 2, 128
    position = (np.arange(len(kernel) * fine) + 0.5) / fine - half - 0.5
    inside = np.hypot(position[:, None], position[None, :]) <= radius
    share = inside.reshape(len(kernel), fine, len(kernel), fine).mean(axis=(1, 3))
    np.testing.assert_allclose(kernel, share / share.sum(), atol=1e-4)
    assert kernel.min() >= 0


def test_motion_kernels_are_those_of_the_specification() -> None:
    np.testing.assert_allclose(motion_kernel(4, 0), [[0.125, 0.25, 0.25, 0.25, 0.125]])
    diagonal = motion_kernel(4, 45)
    assert diagonal.shape == (5, 5)
    assert diagonal[1, 3] > diagonal[1, 1]  # counter-clockwise: up on the right
    values = np.unique(diagonal.round(4))
    np.testing.assert_allclose(values, [0, 0.0133, 0.0665, 0.2269], atol=1e-4)


@pytest.mark.parametrize("angle", [0, 17, 45, 90, 133, 180])
def test_motion_kernel_is_symmetric_and_adds_up_to_1(angle: float) -> None:
    np.testing.assert_array_equal(motion_kernel(1, angle), [[1.0]])
    for length in (2, 4, 6, 10):
        kernel = motion_kernel(length, angle)
        assert kernel.sum() == pytest.approx(1)
        np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-12)
        quarter = motion_kernel(length, angle + 90)
        np.testing.assert_allclose(np.rot90(kernel), quarter, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1, 2, 5])
def test_gaussian_blur_is_the_truncated_gaussian_of_scipy(
    sigma: float, photograph: NDArray[np.float64]
) -> None:
    radius = int(np.ceil(2 * sigma))
    expected = ndimage.gaussian_filter(
        photograph, (sigma, sigma, 0), radius=radius, mode="nearest"
    )
    result = gaussian_blur(photograph, sigma, default_rng(0))
    np.testing.assert_allclose(result, expected, atol=1e-12)


@pytest.mark.parametrize("blur", [gaussian_blur, lens_blur, motion_blur])
def test_blur_keeps_a_constant_image(blur: type) -> None:
    image = np.full((20, 30, 3), 0.3)
    np.testing.assert_allclose(blur(image, 6, default_rng(0)), image, atol=1e-12)
