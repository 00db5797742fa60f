import os
import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as TF

from kdiqa.data.boxes import fitted
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
    {"num": 5, "mode": "five"},
    {"num": 10, "mode": "ten"},
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


@pytest.mark.parametrize("kind", [*KINDS, {"mode": "tiles"}], ids=str)
def test_a_small_image_is_enlarged_in_every_mode(kind: Any) -> None:
    for height, width in ((40, 60), (60, 40), (79, 90), (1, 7)):
        image = np.full((height, width, 3), 9, np.uint8)
        crops = Crops(size=80, **kind)({"image": image, "reference": image}, seed=0)
        assert crops["image"].shape[1:] == crops["reference"].shape[1:] == (80, 80, 3)
        assert (crops["image"] == crops["reference"]).all()


@pytest.mark.parametrize("size", [(16, 16), (17, 16), (31, 20), (40, 60), (37, 59), (16, 51)])
def test_five_and_ten_crops_are_those_of_torchvision(size: tuple[int, int]) -> None:
    image = PLACES[: size[0], : size[1]]
    planes = torch.from_numpy(image.copy()).permute(2, 0, 1)
    for num, mode, theirs in ((5, "five", TF.five_crop), (10, "ten", TF.ten_crop)):
        ours = Crops(num, 16, mode)({"image": image}, seed=0)["image"]  # type: ignore[arg-type]
        expected = torch.stack(theirs(planes, [16, 16])).permute(0, 2, 3, 1)
        np.testing.assert_array_equal(ours, expected.numpy())


@pytest.mark.parametrize("size", [(16, 16), (32, 48), (40, 60), (17, 33), (16, 51)])
def test_tiles_show_every_pixel_and_no_more_than_they_must(size: tuple[int, int]) -> None:
    image = PLACES[: size[0], : size[1]]
    tiles = Crops(size=16, mode="tiles")({"image": image}, seed=0)["image"]
    assert len(tiles) == -(-size[0] // 16) * -(-size[1] // 16)
    seen = {tuple(place) for place in tiles[..., :2].reshape(-1, 2).tolist()}
    assert seen == {(row, column) for row in range(size[0]) for column in range(size[1])}
    assert tuple(tiles[-1, -1, -1, :2]) == (size[0] - 1, size[1] - 1)


@pytest.mark.parametrize("bound", [1, 2, 3, 5, 6, 11, 12])
def test_tiles_that_are_too_many_shrink_the_image_and_not_its_shape(bound: int) -> None:
    for height, width in ((40, 60), (64, 48), (48, 48), (33, 33)):
        tall, wide = fitted(height, width, 16, bound * 256 if bound > 1 else 512)
        count = -(-tall // 16) * -(-wide // 16)
        assert count <= max(bound, 2)
        assert min(tall, wide) >= 16
        assert abs(tall / wide - height / width) < 0.05 * height / width
        if -(-height // 16) * -(-width // 16) <= bound:
            assert (tall, wide) == (height, width)


def test_a_hundred_megapixels_are_tested_in_bounded_memory() -> None:
    huge = np.zeros((10_000, 10_000, 3), np.uint8)  # takes no memory until it is written
    for size, mode in ((None, "full"), (224, "tiles"), (224, "five"), (224, "grid")):
        num = 5 if mode in ("five", "grid") else 1
        tracemalloc.start()
        crops = Crops(num, size, mode)({"image": huge}, seed=0)["image"]  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert 0.8 * 2**22 < crops[..., 0].size <= 2**22 or mode in ("five", "grid")
        assert peak < 3 * 3 * 2**22
    whole = Crops(1, None, "full")({"image": huge[:2048, :2048]}, seed=0)["image"]
    assert whole.shape == (1, 2048, 2048, 3)


def test_an_image_too_long_for_its_tiles_is_refused() -> None:
    message = (
        "An image of 400×16 pixels is too long for tiles of 16 pixels that have 1024 together. "
        "Raise max_pixels, or set mode: grid."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Crops(size=16, mode="tiles", max_pixels=1024)(
            {"image": np.zeros((16, 400, 3), np.uint8)}, seed=0
        )


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
            "mode is 'centre'; it is one of: random, grid, center, full, five, ten, tiles.",
        ),
        (
            {"num": 10, "mode": "center"},
            "Mode 'center' gives one crop of an image, not 10. Set num: 1.",
        ),
        (
            {"num": 1, "mode": "ten"},
            "Mode 'ten' gives 10 crops of an image, not 1. Set num: 10.",
        ),
        (
            {"num": 4, "mode": "tiles"},
            "Mode 'tiles' takes as many crops as cover an image, not 4. Set num: 1, and max_pixels "
            "to what all tiles of an image may have together.",
        ),
        (
            {"mode": "tiles", "max_pixels": 50_000},
            "One crop of 224 pixels has 50176 of them, more than max_pixels: 50000. Raise "
            "max_pixels, or lower size.",
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
