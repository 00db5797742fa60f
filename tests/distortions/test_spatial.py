from itertools import combinations

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from PIL import Image as Pillow

from kdiqa.distortions.spatial import (
    colour_block,
    jitter,
    non_eccentricity_patch,
    otsu_thresholds,
    pixelate,
    quantisation,
)

Floats = NDArray[np.float64]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_otsu_finds_what_an_exhaustive_search_finds(count: int) -> None:
    image = default_rng(count).choice(np.linspace(0, 1, 18), 400, p=np.arange(1, 19) / 171)

    def between(cuts: tuple[float, ...]) -> float:
        group = np.searchsorted(cuts, image)
        parts = [image[group == i] for i in range(count + 1)]
        return sum(len(part) * part.mean() ** 2 for part in parts if len(part))

    middles = np.unique(image)[:-1] + 0.01
    best = max(between(cuts) for cuts in combinations(middles, count))
    cuts = otsu_thresholds(image, count)
    assert (np.diff(cuts) > 0).all()
    assert between(tuple(cuts)) == pytest.approx(best, rel=1e-3)


def test_quantisation_takes_the_values_of_its_thresholds(photograph: Floats) -> None:
    cuts = otsu_thresholds(photograph, 7)
    image = quantisation(photograph, 7, default_rng(0))
    np.testing.assert_allclose(np.unique(image), [0, *cuts[1:], 1])


@pytest.mark.parametrize("strength", [0.01, 0.05, 0.1, 0.2, 0.5])
def test_pixelate_is_nearest_down_and_up(strength: float, photograph: Floats) -> None:
    # Primes: only the middle lies between two pixels, where rounding decides in Pillow.
    photograph = photograph[:191, :151]
    height, width = photograph.shape[:2]
    scale = 0.95 - strength**0.6
    small = (round(width * scale), round(height * scale))
    for channel in range(3):
        plane = Pillow.fromarray(photograph[..., channel].astype(np.float32))
        expected = np.asarray(plane.resize(small, 0).resize((width, height), 0))
        result = pixelate(photograph, strength, default_rng(0))[..., channel]
        differs = np.abs(result - expected) > 1e-7
        assert not np.delete(np.delete(differs, 95, axis=0), 75, axis=1).any()


def test_jitter_of_no_width_is_the_identity(photograph: Floats) -> None:
    np.testing.assert_allclose(jitter(photograph, 0, default_rng(0)), photograph, atol=1e-6)


def test_patches_are_copies_from_nearby(photograph: Floats) -> None:
    result = non_eccentricity_patch(photograph, 1, default_rng(0))
    rows, columns = np.nonzero((result != photograph).any(axis=2))
    assert 0 < np.ptp(rows) < 16
    assert 0 < np.ptp(columns) < 16
    known = {tuple(pixel) for pixel in photograph.reshape(-1, 3)}
    assert {tuple(pixel) for pixel in result[rows, columns]} <= known


def test_blocks_are_squares_of_one_colour() -> None:
    result = colour_block(np.full((200, 300, 3), -1.0), 2, default_rng(5))
    painted = (result >= 0).all(axis=2)
    colours = np.unique(result[painted], axis=0)
    assert len(colours) == 2
    assert painted.sum() in range(32 * 32 + 1, 2 * 32 * 32 + 1)


def test_images_smaller_than_a_patch_or_block_are_taken_whole() -> None:
    tiny = default_rng(0).random((9, 20, 3))
    assert non_eccentricity_patch(tiny, 20, default_rng(0)).shape == tiny.shape
    assert colour_block(tiny, 2, default_rng(0)).shape == tiny.shape
