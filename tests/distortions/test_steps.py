import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter
from scipy import ndimage, stats
from skimage.metrics import peak_signal_noise_ratio as psnr

from kdiqa.distortions.resampling import Filter, Resample, Resamples, merge
from kdiqa.distortions.steps import (
    GaussianBlur,
    GaussianNoise,
    ImpulseNoise,
    Jpeg,
    Kadid,
    MotionBlur,
    PhotometricFloor,
    generator,
)

Pixels = NDArray[np.uint8]
RNG = generator(0)


@pytest.mark.parametrize("radius", [2.0, 5.0, 7.0])
def test_gaussian_blur_is_that_of_pillow(radius: float, astronaut: Pixels) -> None:
    expected = np.asarray(Pillow.fromarray(astronaut).filter(ImageFilter.GaussianBlur(radius)))
    result = GaussianBlur(radius)(astronaut, RNG)
    assert psnr(expected, result) > (52 if radius == 2 else 48)


@pytest.mark.parametrize("length", [12, 21, 24])
def test_motion_blur_is_the_mean_along_a_line(length: int, astronaut: Pixels) -> None:
    for axis, horizontal in ((1, True), (0, False)):
        expected = ndimage.uniform_filter1d(
            astronaut.astype(float), length, axis=axis, mode="mirror"
        )
        result = MotionBlur(length, horizontal)(astronaut, RNG)
        np.testing.assert_allclose(result, expected, atol=0.5 + 1e-6)


def test_motion_takes_both_directions() -> None:
    point = np.zeros((64, 64, 3), np.uint8)
    point[32, 32] = 240
    rows = [np.ptp(np.nonzero(MotionBlur(24)(point, generator(s)))[0]) for s in range(20)]
    assert set(rows) == {0, 23}


@pytest.mark.parametrize("variance", [0.001, 0.05])
def test_gaussian_noise_follows_the_rounded_law(variance: float) -> None:
    gray = np.full((700, 801, 3), 128, np.uint8)
    noise = GaussianNoise(variance)(gray, generator(3)).astype(int) - 128
    sigma = 255 * variance**0.5
    for value in (-40, -9, -1, 0, 3, 20, 60):
        share = stats.norm.cdf(value + 0.5, scale=sigma)
        assert (noise <= value).mean() == pytest.approx(share, abs=2e-3)
    flat = noise.ravel()
    for lag in (1, 3, 801 * 3):
        assert abs(np.corrcoef(flat[:-lag], flat[lag:])[0, 1]) < 4e-3


def test_impulses_strike_whole_pixels_independently() -> None:
    gray = np.full((500, 601, 3), 128, np.uint8)
    result = ImpulseNoise(0.02)(gray, generator(1))
    struck = (result != 128).any(axis=2)
    assert struck.mean() == pytest.approx(0.02, rel=0.04)
    assert (result[struck] == result[struck][:, :1]).all()
    assert (result[struck] == 255).mean() == pytest.approx(0.5, abs=0.02)
    pairs = (struck[:, 1:] & struck[:, :-1]).mean()
    assert pairs == pytest.approx(0.02**2, rel=0.25)
    assert struck[0].any()
    assert struck[-1].any()


def test_kadid_step_is_the_distortion_in_8_bits(astronaut: Pixels) -> None:
    np.testing.assert_array_equal(
        Kadid("jpeg", 24)(astronaut, RNG), Jpeg(24)(astronaut, generator(0))
    )
    assert np.ptp(Kadid("mean_shift", 0.15, mapmm=True)(astronaut, RNG)) == 255
    assert Kadid("mean_shift", 0.15)(astronaut, RNG).min() == 38


@pytest.mark.parametrize("filter", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_one_resample_is_that_of_pillow(filter: Filter, astronaut: Pixels) -> None:
    kind = Pillow.Resampling[filter.upper()]
    picture = Pillow.fromarray(astronaut[:203, :301])
    expected = picture.resize((37, 25), kind).resize((301, 203), kind)
    result = Resample(8, filter)(astronaut[:203, :301], RNG)
    np.testing.assert_array_equal(result, np.asarray(expected))


OFFICIAL = [Resample(8), Resample(8, "bilinear"), Resample(5, "nearest"),
            Resample(1.7566, "nearest")]  # fmt: skip


@pytest.mark.parametrize(
    "steps", [OFFICIAL, OFFICIAL[:2], [*OFFICIAL[:3], Resample(16, "lanczos")]]
)
@pytest.mark.parametrize("shape", [(512, 512), (333, 401), (64, 48), (7, 9), (1, 30)])
def test_resamples_in_a_row_are_those_one_by_one(
    steps: list[Resample], shape: tuple[int, int], astronaut: Pixels
) -> None:
    image = np.ascontiguousarray(astronaut[: shape[0], : shape[1]])
    expected = image
    for step in steps:
        expected = step(expected, RNG)
    result = Resamples(steps)(image, RNG)
    assert result.shape == image.shape
    assert np.abs(result.astype(int) - expected).mean() < 1
    assert psnr(expected, result + 1e-9, data_range=255) > 45


def test_only_neighbours_are_merged() -> None:
    merged = merge([Resample(2), Jpeg(5), Resample(2), Resample(3), Jpeg(4)])
    assert [type(step).__name__ for step in merged] == [
        "Resample", "Jpeg", "Resamples", "Jpeg",
    ]  # fmt: skip


def test_floor_brings_luminance_and_colour_down(astronaut: Pixels) -> None:
    small = cv2.resize(astronaut, (128, 128), interpolation=cv2.INTER_AREA)
    floor = PhotometricFloor()(small, RNG) / 255
    luminance = floor @ [0.299, 0.587, 0.114]
    assert luminance.mean() == pytest.approx(0.5, abs=0.01)
    assert luminance.std() == pytest.approx(0.2, abs=0.01)
    flat = PhotometricFloor()(np.full((8, 8, 3), 30, np.uint8), RNG)
    assert set(np.unique(flat)) <= {127, 128}
