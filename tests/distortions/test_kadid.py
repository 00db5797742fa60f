import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from PIL import Image as Pillow
from skimage.metrics import peak_signal_noise_ratio as psnr

from kdiqa.distortions.kadid import KADID, Distortion, distort, find
from kdiqa.distortions.pixels import to_float, to_uint8

Floats = NDArray[np.float64]
LEVELS = (1, 2, 3, 4, 5)
TWO_SIDED = ("mean_shift", "contrast_change", "saturation_hsv")
every_type = pytest.mark.parametrize("kind", KADID, ids=lambda kind: kind.name)


def test_types_are_numbered_as_the_files_of_kadid() -> None:
    assert [kind.id for kind in KADID] == list(range(1, 26))
    assert len({kind.name for kind in KADID}) == 25
    assert Counter(kind.group for kind in KADID) == {
        "blur": 3, "colour": 5, "compression": 2, "noise": 5, "brightness": 3, "spatial": 5,
        "sharpness": 2,
    }  # fmt: skip


@every_type
@pytest.mark.parametrize("mapmm", [True, False])
def test_every_level_keeps_shape_dtype_range_and_input(kind: Distortion, mapmm: bool) -> None:
    for dtype, shape in ((np.float64, (40, 56, 3)), (np.float32, (24, 17, 3))):
        image = default_rng(0).random(shape).astype(dtype)
        before = image.copy()
        for level in LEVELS:
            result = distort(image, kind.id, level, default_rng(1), mapmm)
            assert result.shape == shape
            assert result.dtype == dtype
            assert np.isfinite(result).all()
            assert result.min() >= 0
            assert result.max() <= 1
            assert result.flags.c_contiguous
            np.testing.assert_array_equal(image, before)


@every_type
def test_same_generator_gives_the_same_image(kind: Distortion, photograph: Floats) -> None:
    small = photograph[64:128, 32:96]
    first, second = (distort(small, kind.name, 4, default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@every_type
def test_nothing_is_drawn_from_the_global_generator(kind: Distortion) -> None:
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    distort(default_rng(0).random((32, 32, 3)), kind.id, 3, default_rng(0))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("kind", [kind for kind in KADID if kind.name not in TWO_SIDED],
                         ids=lambda kind: kind.name)  # fmt: skip
def test_psnr_falls_with_the_level(kind: Distortion, photograph: Floats) -> None:
    ratios = []
    for level in LEVELS:
        image = distort(photograph, kind.id, level, default_rng(1))
        ratios.append(psnr(photograph, image + 1e-9, data_range=1))
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[4] < ratios[0] - 2


@pytest.mark.parametrize(
    ("name", "level", "tolerance"),
    [("motion_blur", 1, 0.0), ("saturation_lab", 1, 1e-6), ("mean_shift", 3, 0.0)],
)
def test_identity_levels_leave_the_image(
    name: str, level: int, tolerance: float, photograph: Floats
) -> None:
    dull = 0.2 + 0.6 * photograph
    plain = distort(dull, name, level, default_rng(0), mapmm=False)
    np.testing.assert_allclose(plain, dull, rtol=0, atol=tolerance)
    stretched = distort(dull, name, level, default_rng(0))
    np.testing.assert_allclose(stretched, photograph, rtol=0, atol=1e-6)


def test_mapmm_turns_a_positive_shift_into_a_stretch(photograph: Floats) -> None:
    shifted = distort(photograph, "mean_shift", 1, default_rng(0))
    np.testing.assert_allclose(shifted, np.minimum(photograph / 0.85, 1), atol=1e-12)


def test_means_of_the_shifted_astronaut_are_those_of_the_specification(
    astronaut: NDArray[np.uint8],
) -> None:
    image = to_float(astronaut)
    expected = {(1, True): 0.523, (1, False): 0.594, (5, True): 0.389, (5, False): 0.331}
    for (level, mapmm), mean in expected.items():
        shifted = distort(image, 18, level, default_rng(0), mapmm)
        assert shifted.mean() == pytest.approx(mean, abs=0.01)


def test_constant_image_survives_every_type() -> None:
    for kind in KADID:
        for value in (0.0, 0.5, 1.0):
            result = distort(np.full((24, 24, 3), value), kind, 5, default_rng(0))
            assert np.isfinite(result).all(), kind.name


def test_unknown_name_is_answered_with_all_names() -> None:
    names = ", ".join(f"{kind.id} {kind.name}" for kind in KADID)
    message = f"KADID-10k has no distortion 'fog'. Give a number or a name of: {names}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        find("fog")


def test_level_out_of_range_is_told() -> None:
    with pytest.raises(ValueError, match=r"^jpeg has levels 1 to 5, not 6\.$"):
        distort(np.zeros((8, 8, 3)), "jpeg", 6, default_rng(0))


def test_8_bit_image_is_told_to_be_divided() -> None:
    message = (
        "distort takes float RGB (H, W, 3) in [0, 1], not uint8 (8, 8, 3). "
        "Divide an 8-bit RGB image by 255."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        distort(np.zeros((8, 8, 3), np.uint8), "jpeg", 1, default_rng(0))


@pytest.mark.parametrize("level", [2, 5])
def test_gaussian_blur_is_that_of_the_original_files(level: int, shared_data: Path) -> None:
    images = shared_data / "minis" / "kadid10k" / "images"
    reference, original = (
        np.asarray(Pillow.open(images / name).convert("RGB"))
        for name in ("I01.png", f"I01_01_0{level}.png")
    )
    ours = to_uint8(distort(to_float(reference), "gaussian_blur", level, default_rng(0)))
    np.testing.assert_array_equal(ours, original)
