import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy import ndimage
from skimage import color

from kdiqa.distortions.colour import (
    colour_diffusion,
    colour_quantisation,
    colour_shift,
    saturation_hsv,
    saturation_lab,
)

Floats = NDArray[np.float64]


@pytest.mark.parametrize("colours", [64, 48, 32, 16, 8])
def test_quantisation_leaves_no_more_colours_than_asked(colours: int, photograph: Floats) -> None:
    image = colour_quantisation(photograph, colours, default_rng(0))
    assert len(np.unique(image.reshape(-1, 3), axis=0)) <= colours


def test_negative_saturation_leaves_the_range_as_the_formula_says(photograph: Floats) -> None:
    value = photograph.max(axis=2, keepdims=True)
    expected = value - (-0.4) * (value - photograph)  # of HSV: V is kept, V - RGB scales with S
    result = saturation_hsv(photograph, -0.4, default_rng(0))
    np.testing.assert_allclose(result, expected, atol=1e-9)
    assert result.max() > 1.1


def test_zero_saturation_is_gray(photograph: Floats) -> None:
    assert np.ptp(saturation_hsv(photograph, 0, default_rng(0)), axis=2).max() < 1e-12


def test_lab_saturation_scales_colour_and_keeps_lightness(photograph: Floats) -> None:
    dull = 0.45 + 0.1 * photograph
    lab = color.rgb2lab(dull)
    result = color.rgb2lab(saturation_lab(dull, 2, default_rng(0)))
    np.testing.assert_allclose(result, lab * [1, 2, 2], atol=0.05)


def test_diffusion_blurs_and_scales_colour_and_keeps_lightness(photograph: Floats) -> None:
    dull = 0.45 + 0.1 * photograph
    lab = color.rgb2lab(dull)
    sigma = 1.5 * 3 + 2
    colours = 3 * ndimage.gaussian_filter(
        lab[..., 1:], (sigma, sigma, 0), radius=int(np.ceil(2 * sigma)), mode="nearest"
    )
    result = color.rgb2lab(colour_diffusion(dull, 3, default_rng(0)))
    np.testing.assert_allclose(result[..., 0], lab[..., 0], atol=0.05)
    np.testing.assert_allclose(result[..., 1:], colours, atol=0.1)


def test_shift_moves_green_alone_and_only_near_edges(photograph: Floats) -> None:
    image = colour_shift(photograph, 8, default_rng(0))
    np.testing.assert_array_equal(image[..., [0, 2]], photograph[..., [0, 2]])
    flat_and_step = np.full((64, 128, 3), 0.2)
    flat_and_step[:, 96:] = 0.8
    moved = colour_shift(flat_and_step, 8, default_rng(3))[..., 1] - flat_and_step[..., 1]
    assert moved[:, 96:106].min() < -0.3
    assert not moved[:, :64].any()
