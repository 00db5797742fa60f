import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator, interp1d

from kdiqa.distortions.brightness import brighten, brighten_curve, darken
from kdiqa.distortions.kadid import find
from kdiqa.distortions.pixels import lab_to_rgb, rgb_to_lab

X = np.linspace(0, 1, 101)


@pytest.mark.parametrize("amount", [*find("brighten").levels, *find("darken").levels])
@pytest.mark.parametrize("sign", [1, -1])
def test_curve_is_the_spline_through_three_points(amount: float, sign: int) -> None:
    spline = CubicSpline([0, 0.5, 1], [0, 0.5 + sign * amount / 2, 1])(X)
    np.testing.assert_allclose(brighten_curve(X, sign * amount), spline.clip(0, 1), atol=1e-12)


def test_brightened_quarter_is_that_of_the_specification() -> None:
    values = [brighten_curve(np.array(0.25), amount) for amount in find("brighten").levels]
    np.testing.assert_allclose(values, [0.2875, 0.325, 0.4, 0.5125, 0.6625], atol=1e-12)


def test_brighten_mixes_two_parts_of_rgb_and_one_of_lab(photograph: NDArray[np.float64]) -> None:
    lab = rgb_to_lab(photograph)
    curve = interp1d(100 * X, 100 * brighten_curve(X, 0.4))  # a table in place of the formula
    lab[..., 0] = curve(lab[..., 0].clip(0, 100))
    expected = (2 * brighten_curve(photograph, 0.4) + lab_to_rgb(lab)) / 3
    result = brighten(photograph, 0.4, default_rng(0))
    np.testing.assert_allclose(result, expected, atol=1e-3)


def test_darken_touches_rgb_alone(photograph: NDArray[np.float64]) -> None:
    table = PchipInterpolator(X, brighten_curve(X, -0.4))
    result = darken(photograph, 0.4, default_rng(0))
    np.testing.assert_allclose(result, table(photograph), atol=1e-4)
