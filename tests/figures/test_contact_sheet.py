"""Contact sheets show their images as they are."""

import numpy as np
from numpy.typing import NDArray
from skimage import data

from kdiqa.figures import contact_sheet
from kdiqa.figures.contact_sheet import Tile, grid, square, thumbnail, tiled


def plain(level: int, height: int = 40, width: int = 40) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def test_a_grid_shows_images_as_they_are() -> None:
    table = grid(["a", "b"], [("first", [plain(77), plain(77)]), ("second", [plain(77)])])
    assert (table == 77).all(axis=2).sum() == 3 * 40 * 40


def test_a_square_is_the_middle() -> None:
    image = data.astronaut()
    np.testing.assert_array_equal(square(image[:, 100:300], 200), image[156:356, 100:300])


def test_a_thumbnail_fits_its_box_and_a_small_image_stays_as_it_is() -> None:
    assert thumbnail(plain(9, 600, 300), 100).shape == (100, 50, 3)
    np.testing.assert_array_equal(thumbnail(plain(9), 100), plain(9))


def test_a_sheet_has_room_for_every_tile_and_cuts_long_names() -> None:
    tile = Tile(plain(0, 120, 200), "0.5", "a very long name " * 9 + ".png")
    sheet = tiled([tile] * 7, 3, "Seven")
    gap = contact_sheet.GAP
    assert sheet.shape[1] == gap + 3 * (contact_sheet.SIDE + gap)
    assert (sheet == 0).all(axis=2).sum() >= 7 * 120 * 200
    assert (sheet[:, :gap] == 255).all()  # nothing runs over the edge
    assert (sheet[:, -gap:] == 255).all()


def test_an_image_that_is_gone_leaves_a_frame() -> None:
    sheet = tiled([Tile(None, "1", "gone.png"), Tile(plain(0), "2", "there.png")], 2, "Two")
    grey = (sheet == 128).all(axis=2)
    assert grey.sum() >= 4 * (contact_sheet.SIDE - 1)
    right = contact_sheet.SIDE + contact_sheet.GAP
    assert not grey[contact_sheet.TITLE : contact_sheet.TITLE + contact_sheet.SIDE, right:].any()
