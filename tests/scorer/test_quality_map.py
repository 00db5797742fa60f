"""The map of a picture: each tile's own score, each level's share, and a figure of both."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from kdiqa.data.crops import Crops
from kdiqa.scorer import Scorer
from kdiqa.scorer.quality_map import MAX_TILES, NO_LEVELS, Tiles
from tests.fakes import noisy, picture
from tests.scorers import akd, small


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    scorer = small()
    scorer.net.standardise.mean.normal_()
    return scorer


def test_a_tile_has_the_score_of_its_pixels_alone(scorer: Scorer) -> None:
    pixels = picture(1, 250, 300)
    quality = scorer.map(pixels, tile=100, overlap=0.5)
    assert quality.rows == [0, 50, 100, 150]
    assert quality.columns == [0, 50, 100, 150, 200]
    assert quality.tiles.shape == (4, 5)
    alone = scorer.score(pixels[100:200, 50:150])
    assert quality.tiles[2, 1] == pytest.approx(alone, abs=1e-5)
    assert quality.score == scorer.score(pixels)


def test_a_pixel_has_the_mean_of_its_tiles(scorer: Scorer) -> None:
    quality = scorer.map(picture(1, 100, 150), tile=100, overlap=0.5)
    assert quality.pixels.shape == (100, 150)
    first, second = quality.tiles[0]
    assert quality.pixels[0, 0] == first
    assert quality.pixels[50, 75] == pytest.approx((first + second) / 2)
    assert quality.pixels[99, 149] == second


def test_a_map_shows_where_an_image_is_noisy(scorer: Scorer) -> None:
    pixels = picture(2, 128, 256)
    half = pixels.copy()
    half[:, 128:] = noisy(pixels[:, 128:], 40, 0)
    clean, noisy_tiles = (scorer.map(one, tile=64, overlap=0).tiles for one in (pixels, half))
    changed = np.abs(clean - noisy_tiles)
    assert changed[:, :2].max() < 1e-5 < changed[:, 2:].min()


def test_a_levels_share_is_the_score_less_the_score_without_it(scorer: Scorer) -> None:
    pixels = picture(3, 100, 100)
    quality = scorer.map(pixels, tile=100)
    assert quality.levels is not None
    assert quality.levels.shape == (4, 1, 1)
    pyramids = scorer.pyramids({"image": scorer.views(pixels)["image"][None]})
    for level in range(4):
        pyramid = list(pyramids["image"])
        means = scorer.net.standardise.mean.split(scorer.net.standardise.dims)
        pyramid[level] = means[level].view(-1, 1, 1).expand_as(pyramid[level])
        without = scorer.score_pyramids({"image": pyramid}).item()
        share = quality.score - without
        assert quality.levels[level, 0, 0] == pytest.approx(share, abs=1e-5)
    assert np.abs(quality.levels).max() > 1e-3


def test_levels_that_a_net_does_not_standardise_are_left_out_as_zeros() -> None:
    scorer = akd(Crops(1, 32, "center"), crop_fusion="mean")
    quality = scorer.map(picture(4, 40, 40))
    assert quality.levels is not None
    pixels = picture(4, 40, 40)[:32, :32]
    pyramid = list(scorer.pyramids({"image": scorer.views(pixels)["image"][None]})["image"])
    pyramid[2] = torch.zeros_like(pyramid[2])
    share = scorer.score(pixels) - scorer.score_pyramids({"image": pyramid}).item()
    assert quality.levels[2, 0, 0] == pytest.approx(share, abs=1e-5)


def test_a_net_without_levels_has_a_note() -> None:
    quality = small(levels=1).map(picture(1, 120, 120), tile=100)
    assert quality.levels is None
    assert quality.note == NO_LEVELS == ("This net has no levels: it reads one set of features.")


def test_a_net_that_reads_several_crops_reads_a_tile_as_often() -> None:
    scorer = akd(Crops(3, 32, "grid"), redistorted=True)
    quality = scorer.map(picture(1, 70, 100))
    assert quality.tile == 32
    assert quality.tiles.shape == (4, 6)
    assert len(np.unique(quality.tiles)) > 1
    same = scorer.map(picture(1, 70, 100))
    np.testing.assert_array_equal(quality.tiles, same.tiles)


def test_a_small_image_is_enlarged_to_a_tile(scorer: Scorer) -> None:
    quality = scorer.map(picture(1, 40, 60))
    assert quality.tile == 128
    assert quality.size == (128, 192)
    assert quality.tiles.shape == (1, 2)


def test_a_large_image_has_no_more_tiles_than_can_be_scored() -> None:
    tiles = Tiles(64, 0.5)
    rows, columns = tiles.positions(3000, 4000)
    assert len(rows) * len(columns) <= MAX_TILES
    assert (rows[-1], columns[-1]) == (3000 - 64, 4000 - 64)
    assert [len(side) for side in tiles.positions(320, 320)] == [9, 9]


@pytest.mark.parametrize(("tile", "overlap"), [(8, 0.5), (64, 1.0), (64, -0.5)])
def test_numbers_out_of_range_are_named(scorer: Scorer, tile: int, overlap: float) -> None:
    message = (
        f"A map of tiles of {tile} pixels that overlap by {overlap:g} cannot be made. Give tile at"
        " least 16, and overlap from 0 to 0.9."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        scorer.map(picture(1), tile, overlap)


@pytest.mark.parametrize("levels", [1, 4])
def test_a_figure_shows_image_map_and_levels(levels: int) -> None:
    scorer, pixels = small(levels=levels), picture(1, 120, 160)
    figure = scorer.explain(pixels, tile=100)
    FigureCanvasAgg(figure).draw()
    shown = [axes.get_title(loc="left") for axes in figure.axes]
    assert shown[:3] == [f"score {scorer.score(pixels):.3f}", "2×3 tiles", "levels"]
    assert np.array_equal(figure.axes[0].images[0].get_array(), pixels)
    assert figure.axes[1].images[1].get_array().shape == (120, 160)
    bars = figure.axes[2].patches
    assert len(bars) == (4 if levels == 4 else 0)
    if levels == 1:
        text = figure.axes[2].texts[0].get_text()
        assert text.replace("\n", " ") == NO_LEVELS


def test_a_map_waits_for_no_gradient(scorer: Scorer) -> None:
    with torch.enable_grad():
        assert scorer.map(picture(1, 100, 100), tile=100).score > 0
