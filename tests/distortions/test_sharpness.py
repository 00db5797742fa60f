import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline

from kdiqa.distortions.kadid import find
from kdiqa.distortions.pixels import rgb_to_lab
from kdiqa.distortions.sharpness import contrast_curve, high_sharpen

X = np.linspace(0, 1, 101)


@pytest.mark.parametrize("amount", find("contrast_change").levels)
def test_contrast_curve_is_the_spline_through_five_points(amount: float) -> None:
    heights = [0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1]
    spline = CubicSpline([0, 0.3, 0.5, 0.7, 1], heights)(X)
    np.testing.assert_allclose(contrast_curve(X, amount), spline.clip(0, 1), atol=1e-12)


def test_contrast_of_a_quarter_is_that_of_the_specification() -> None:
    values = [contrast_curve(np.array(0.25), c) for c in find("contrast_change").levels]
    np.testing.assert_allclose(values, [0.1105, 0.1523, 0.1942, 0.3058, 0.3616], atol=5e-5)


def test_contrast_identity_is_at_minus_one_fifth() -> None:
    np.testing.assert_allclose(contrast_curve(X, -0.2), X, atol=1e-12)


def test_high_sharpen_is_an_unsharp_mask_on_lightness(photograph: NDArray[np.float64]) -> None:
    dull = 0.4 + 0.2 * photograph  # far from the gamut, where nothing is clipped
    light = rgb_to_lab(dull)[..., 0]
    expected = 2 * light - ndimage.gaussian_filter(light, 3, radius=6, mode="nearest")
    result = rgb_to_lab(high_sharpen(dull, 1, default_rng(0)))[..., 0]
    np.testing.assert_allclose(result, expected, atol=1e-2)
