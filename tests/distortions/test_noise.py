from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from kdiqa.distortions.kadid import distort, find
from kdiqa.distortions.noise import (
    denoise,
    impulse_noise,
    multiplicative_noise,
    white_noise,
    white_noise_ycbcr,
)

Floats = NDArray[np.float64]
GRAY = np.full((200, 200, 3), 0.5)


def test_white_noise_has_its_variance() -> None:
    added = white_noise(GRAY, 0.003, default_rng(0)) - GRAY
    assert added.var() == pytest.approx(0.003, rel=0.03)
    assert abs(added.mean()) < 1e-3


def test_ycbcr_noise_is_of_limited_range() -> None:
    added = white_noise_ycbcr(GRAY, 0.0005, default_rng(0)) - GRAY
    # of ITU-R BT.601 with Y in 16..235: R = 1.164 Y + 1.596 Cr, B = 1.164 Y + 2.017 Cb
    variance = added.var(axis=(0, 1)) / 0.0005
    expected = [1.164**2 + 1.596**2, 1.164**2 + 0.392**2 + 0.813**2, 1.164**2 + 2.017**2]
    np.testing.assert_allclose(variance, expected, rtol=0.04)


def test_impulses_strike_elements_not_pixels() -> None:
    result = impulse_noise(GRAY, 0.03, default_rng(0))
    struck = result != 0.5
    assert set(np.unique(result)) == {0.0, 0.5, 1.0}
    assert struck.mean() == pytest.approx(0.03, rel=0.1)
    assert (result == 0).mean() == pytest.approx(0.015, rel=0.15)
    assert struck.all(axis=2).mean() < 0.001


def test_multiplicative_noise_is_uniform_and_grows_with_the_signal() -> None:
    bright = multiplicative_noise(GRAY, 0.01, default_rng(0)) / GRAY - 1
    assert bright.var() == pytest.approx(0.01, rel=0.03)
    assert np.abs(bright).max() <= 0.03**0.5 + 1e-12
    assert not multiplicative_noise(0 * GRAY, 0.01, default_rng(0)).any()


def test_denoise_takes_the_denoiser_it_is_given(photograph: Floats) -> None:
    seen: list[float] = []

    def flat(noisy: Floats, sigma: float) -> Floats:
        seen.append(sigma)
        return np.full_like(noisy, noisy.mean())

    kind = replace(find("denoise"), apply=partial(denoise, denoiser=flat))
    result = distort(photograph, kind, 4, default_rng(0), mapmm=False)
    assert np.ptp(result) == 0
    assert seen == [0.1**0.5]


def test_default_denoiser_takes_noise_away(photograph: Floats) -> None:
    noisy = white_noise(photograph, 0.01, default_rng(0))
    clean = denoise(photograph, 0.01, default_rng(0))
    assert ((clean - photograph) ** 2).mean() < 0.5 * ((noisy - photograph) ** 2).mean()
