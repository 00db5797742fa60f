import os
import re
from typing import Any

import numpy as np
import pytest

from kdiqa.data.crops import Crops, official_augmentation, paired_flips

# Each pixel says where it stands: row, column, and a constant.
ROWS, COLUMNS = np.mgrid[:40, :60].astype(np.uint8)
PLACES = np.stack([ROWS, COLUMNS, np.full_like(ROWS, 7)], axis=2)

KINDS: list[dict[str, Any]] = [
    {"num": 5, "mode": "random"},
    {"num": 5, "mode": "random", "flip": True},
    {"num": 5, "mode": "random", "transforms": official_augmentation()},
    {"num": 5, "mode": "grid", "transforms": paired_flips()},
    {"num": 1, "mode": "center"},
    {"num": 1, "mode": "full"},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_crops_follow_from_the_seed_and_are_the_same_in_aligned_views(kind: Any) -> None:
    crops = Crops(size=16, **kind)
    first = crops({"image": PLACES, "reference": PLACES.copy()}, seed=5)
    crops({"image": PLACES}, seed=6)
    again = crops({"image": PLACES}, seed=5)

    assert first["image"].shape == (crops.num, 16, 16, 3)
    assert first["image"].dtype == np.uint8
    np.testing.assert_array_equal(first["image"], first["reference"])
    np.testing.assert_array_equal(first["image"], again["image"])


@pytest.mark.parametrize("kind", KINDS[:4], ids=str)
def test_another_seed_gives_other_random_crops(kind: Any) -> None:
    crops = Crops(size=16, **kind)
    views = {"image": PLACES}
    assert (crops(views, seed=0)["image"] != crops(views, seed=1)["image"]).any()


def test_random_crops_reach_every_corner_and_do_not_repeat() -> None:
    crops = Crops(num=400, size=38, mode="random")({"image": PLACES}, seed=0)["image"]
    corners = {tuple(crop[0, 0, :2].tolist()) for crop in crops}
    assert {top for top, _ in corners} == {0, 1, 2}
    assert {left for _, left in corners} == set(range(23))


def test_a_flip_does_not_foretell_the_place_of_a_crop() -> None:
    crops = Crops(num=2000, size=20, mode="random", flip=True)({"image": PLACES}, seed=0)["image"]
    flipped = crops[:, 0, 0, 1] > crops[:, 0, -1, 1]
    top, left = crops[:, 0, 0, 0], crops[..., 1].min(axis=(1, 2))
    assert 0.45 < flipped.mean() < 0.55
    for lag in (0, 1):
        for place in (top, left):
            shifted = np.roll(place.astype(float), lag)
            assert abs(np.corrcoef(flipped, shifted)[0, 1]) < 0.08


def test_a_grid_covers_the_image_evenly_in_rows() -> None:
    crops = Crops(num=10, size=10, mode="grid")({"image": PLACES}, seed=0)["image"]
    corners = [tuple(crop[0, 0, :2].tolist()) for crop in crops]
    assert corners == [
        *[(0, 0), (0, 17), (0, 33), (0, 50)],
        *[(15, 0), (15, 25), (15, 50)],
        *[(30, 0), (30, 25), (30, 50)],
    ]


def test_the_center_is_the_middle_and_full_is_everything() -> None:
    views = {"image": PLACES}
    center = Crops(num=1, size=20, mode="center")(views, seed=0)["image"]
    np.testing.assert_array_equal(center[0], PLACES[10:30, 20:40])
    whole = Crops(num=1, size=None, mode="full")(views, seed=0)["image"]
    np.testing.assert_array_equal(whole[0], PLACES)
    assert Crops(num=1, size=24, mode="full")(views, seed=0)["image"].shape == (1, 24, 24, 3)


def test_a_small_image_is_enlarged_until_a_crop_fits() -> None:
    crops = Crops(num=3, size=80, mode="random")({"image": PLACES}, seed=0)["image"]
    assert crops.shape == (3, 80, 80, 3)
    whole_height = crops[:, :, 0, 0]
    assert whole_height.min() == 0
    assert whole_height.max() == 39


def test_resize_sets_the_short_side_before_cropping() -> None:
    crops = Crops(num=1, size=20, mode="center", resize=20)({"image": PLACES}, seed=0)["image"]
    assert np.ptp(crops[0, :, 0, 0].astype(int)) > 35  # the whole height, at half the size


def test_rotation_leaves_black_corners() -> None:
    white = np.full((40, 40, 3), 255, np.uint8)
    crops = Crops(num=8, size=32, transforms=official_augmentation())({"image": white}, seed=0)
    assert (crops["image"] == 0).any(axis=(1, 2, 3)).sum() >= 7


def test_albumentations_does_not_ask_the_network_for_its_newest_version() -> None:
    assert os.environ["NO_ALBUMENTATIONS_UPDATE"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"mode": "centre"},
            "Crops have no mode 'centre'. Set mode to one of: random, grid, center, full.",
        ),
        (
            {"num": 10, "mode": "center"},
            "Mode 'center' gives one crop of an image, not 10. Set num: 1.",
        ),
        (
            {"num": 0},
            "Crops are at least 1, of at least 1 pixel; here num: 0, size: 224.",
        ),
        (
            {"size": None},
            "Mode 'random' needs the side of a crop in pixels. Set size: 224.",
        ),
    ],
)
def test_numbers_that_contradict_the_mode_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Crops(**arguments)
