"""Pictures of pictures: images at one size, in rows, with a line or two below each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from kdiqa.data.images.read import read_rgb

Picture = NDArray[np.uint8]
SIDE = 220  # pixels, the box that an image is fitted into
GAP = 14
BETWEEN = 26  # more, between groups
LINE = 19  # pixels, the height of a line of text
TITLE = 44
INK, FAINT = "#111111", "#666666"


@dataclass(frozen=True)
class Tile:
    """An image with the text below it.

    Args:
        image: At most ``SIDE`` pixels wide and high, :math:`(H, W, 3)`.
        first: The upper line.
        second: The lower one, which is cut in its middle where it is too long.
    """

    image: Picture
    first: str
    second: str


def thumbnail(path: Path) -> Picture:
    """Returns an image made to fit the box, :math:`(H, W, 3)`; a small one stays as it is."""
    picture = Pillow.fromarray(read_rgb(path))
    picture.thumbnail((SIDE, SIDE), Pillow.Resampling.LANCZOS)
    return np.asarray(picture)


def tiled(tiles: Sequence[Tile], columns: int, title: str, group: int = 1) -> Picture:
    """Returns the tiles in rows under a title, as one 8-bit RGB image.

    Args:
        tiles: From left to right and from above.
        columns: Of a row; fewer where there are fewer tiles.
        title: Printed above.
        group: How many tiles belong together; ``columns`` is a multiple of it.
    """
    columns = max(1, min(columns, len(tiles)))
    step = SIDE + GAP
    tallest = max((len(tile.image) for tile in tiles), default=0)
    high = tallest + 2 * LINE + GAP + 6
    rows = math.ceil(len(tiles) / columns)
    heading = ImageFont.load_default(19)
    gaps = BETWEEN * ((columns - 1) // group) if group > 1 else 0
    width = max(GAP + step * columns + gaps, 2 * GAP + math.ceil(heading.getlength(title)))
    picture = Pillow.new("RGB", (width, TITLE + high * rows + GAP), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((GAP, TITLE // 2), title, INK, heading, anchor="lm")
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        left = GAP + step * column + (BETWEEN * (column // group) if group > 1 else 0)
        top = TITLE + high * row
        height, wide = tile.image.shape[:2]
        box = (left + (SIDE - wide) // 2, top + tallest - height)
        picture.paste(Pillow.fromarray(tile.image), box)
        middle, below = left + SIDE // 2, top + tallest + 4
        first, second = ImageFont.load_default(15), ImageFont.load_default(13)
        draw.text((middle, below), _fitted(tile.first, first), INK, first, anchor="ma")
        draw.text((middle, below + LINE), _fitted(tile.second, second), FAINT, second, anchor="ma")
    return np.asarray(picture)


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Returns a text as wide as the box at most, cut in its middle."""
    kept = text
    while font.getlength(kept) > SIDE and len(kept) > 3:
        half = (len(kept) - 2) // 2
        kept = f"{text[:half]}…{text[-half:]}"
    return kept
