"""The full-reference metric: zero for equals, worse with level, and the paper's formula."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from experiments.bundled.deviation import mdsi
from kdiqa.distortions.kadid import distort
from kdiqa.distortions.pixels import to_uint8
from tests.fakes import picture


def plainly(image: np.ndarray, reference: np.ndarray) -> float:
    """Returns the formula written out, for pictures that are not averaged down."""
    r, d = (x.astype(np.float64) for x in (reference, image))
    l1, l2 = (0.2989 * x[..., 0] + 0.5870 * x[..., 1] + 0.1140 * x[..., 2] for x in (r, d))
    h1, h2 = (0.30 * x[..., 0] + 0.04 * x[..., 1] - 0.35 * x[..., 2] for x in (r, d))
    m1, m2 = (0.34 * x[..., 0] - 0.60 * x[..., 1] + 0.17 * x[..., 2] for x in (r, d))

    def magnitude(x: np.ndarray) -> np.ndarray:
        x = np.pad(x, 1)
        n, m = x.shape[0] - 2, x.shape[1] - 2
        across = sum(x[i : i + n, :m] - x[i : i + n, 2 : 2 + m] for i in range(3)) / 3
        down = sum(x[:n, i : i + m] - x[2 : 2 + n, i : i + m] for i in range(3)) / 3
        return np.sqrt(across**2 + down**2)

    g1, g2, gf = magnitude(l1), magnitude(l2), magnitude(0.5 * (l1 + l2))
    gs12 = (2 * g1 * g2 + 140) / (g1**2 + g2**2 + 140)
    gs13 = (2 * g1 * gf + 55) / (g1**2 + gf**2 + 55)
    gs23 = (2 * g2 * gf + 55) / (g2**2 + gf**2 + 55)
    cs = (2 * (h1 * h2 + m1 * m2) + 550) / (h1**2 + h2**2 + m1**2 + m2**2 + 550)
    gcs = (0.6 * (gs12 + gs23 - gs13) + 0.4 * cs).astype(complex) ** 0.25
    return float(np.mean(np.abs(gcs - gcs.mean())) ** 0.25)


@pytest.mark.parametrize("kind", ["jpeg", "white_noise", "saturation_lab", "gaussian_blur"])
def test_it_is_the_formula_of_the_paper_and_worsens_with_level(kind: str) -> None:
    pristine = picture(1, 96, 128)
    rng = np.random.default_rng(0)
    levels = [to_uint8(distort(pristine / 255.0, kind, level, rng, mapmm=False)) for level in
              range(2, 6)]  # fmt: skip
    made = [mdsi(image, pristine) for image in levels]
    np.testing.assert_allclose(made, [plainly(image, pristine) for image in levels], rtol=1e-9)
    assert made[0] > 0
    assert made[-1] > made[0]
    assert mdsi(pristine, pristine) == 0


def test_large_pictures_are_averaged_down() -> None:
    small = picture(2, 256, 300)
    large = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    noisy = (large + np.random.default_rng(0).integers(0, 40, large.shape)).clip(0, 255)
    averaged = mdsi(noisy.astype(np.uint8), large)
    assert averaged < mdsi(noisy[:256, :300].astype(np.uint8), large[:256, :300])


def test_pictures_of_two_sizes_are_named() -> None:
    message = (
        "A picture of shape (8, 8, 3) cannot be compared with one of (8, 9, 3). Give both the same"
        " size."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        mdsi(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8))
