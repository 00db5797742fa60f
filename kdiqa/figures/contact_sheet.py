"""Contact sheets: many images as one, with their captions; all images are 8-bit RGB."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
SIDE = 220  # pixels, the box that a tile's image is fitted into
GAP = 14
BETWEEN = 26  # more, between groups
LINE = 19  # pixels, the height of a line of text
TITLE = 44
INK, FAINT = "#111111", "#666666"
CELL_GAP = 4  # of a grid
LABEL = 150  # pixels, the width of its names on the left
HEADER = 26  # pixels, the height of its line above
WRAP = 17  # letters of a name on the left that fit into a line


@dataclass(frozen=True)
class Tile:
    """An image with two lines of text below it.

    Args:
        image: At most ``SIDE`` pixels wide and high, :math:`(H, W, 3)`; None draws a frame.
        first: The upper line.
        second: The lower one; each is cut in its middle where it is too long.
    """

    image: Pixels | None
    first: str
    second: str


def thumbnail(image: Pixels, side: int = SIDE) -> Pixels:
    """Returns an image made to fit a box, :math:`(H, W, 3)`; a small one stays as it is."""
    small = Pillow.fromarray(image)
    small.thumbnail((side, side), Pillow.Resampling.LANCZOS)
    return np.asarray(small)


def square(image: Pixels, side: int) -> Pixels:
    """Returns the middle of an image, ``side`` pixels square, as large as it fits."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    middle = image[top : top + shorter, left : left + shorter]
    return np.asarray(cv2.resize(middle, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def tiled(tiles: Sequence[Tile], columns: int, title: str, group: int = 1) -> Pixels:
    """Returns tiles in rows under a title, as one image.

    Args:
        tiles: From left to right and from above.
        columns: Of a row; fewer where there are fewer tiles.
        title: Printed above.
        group: How many tiles belong together; ``columns`` is a multiple of it.
    """
    columns = max(1, min(columns, len(tiles)))
    step, rows = SIDE + GAP, math.ceil(len(tiles) / columns)
    tallest = max((SIDE if t.image is None else len(t.image) for t in tiles), default=0)
    high = tallest + 2 * LINE + GAP + 6
    heading = ImageFont.load_default(19)
    gaps = BETWEEN * ((columns - 1) // group) if group > 1 else 0
    width = max(GAP + step * columns + gaps, 2 * GAP + math.ceil(heading.getlength(title)))
    sheet = Pillow.new("RGB", (width, TITLE + high * rows + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, TITLE // 2), title, INK, heading, anchor="lm")
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        left = GAP + step * column + (BETWEEN * (column // group) if group > 1 else 0)
        bottom = TITLE + high * row + tallest
        if tile.image is None:
            pen.rectangle((left, bottom - SIDE, left + SIDE - 1, bottom - 1), outline="gray")
        else:
            height, wide = tile.image.shape[:2]
            sheet.paste(Pillow.fromarray(tile.image), (left + (SIDE - wide) // 2, bottom - height))
        _centred(pen, (left + SIDE // 2, bottom + 4), tile.first, INK, 15)
        _centred(pen, (left + SIDE // 2, bottom + 4 + LINE), tile.second, FAINT, 13)
    return np.asarray(sheet)


def grid(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Pixels]]]) -> Pixels:
    """Returns square images of one size as a table, named above and on the left, as one image."""
    side = len(rows[0][1][0])
    step = side + CELL_GAP
    size = (LABEL + step * len(columns) + CELL_GAP, HEADER + step * len(rows))
    sheet, font = Pillow.new("RGB", size, "white"), ImageFont.load_default(15)
    pen = ImageDraw.Draw(sheet)
    for column, name in enumerate(columns):
        pen.text(
            (LABEL + column * step + side // 2, HEADER // 2), name, "black", font, anchor="mm"
        )
    for row, (name, images) in enumerate(rows):
        top = HEADER + row * step
        lines = name if len(name) < WRAP else "\n".join(name.rsplit(" ", 1))
        pen.multiline_text((8, top + side // 2), lines, "black", font, anchor="lm")
        for column, image in enumerate(images):
            sheet.paste(Pillow.fromarray(image), (LABEL + column * step, top))
    return np.asarray(sheet)


def _centred(
    pen: ImageDraw.ImageDraw, top: tuple[int, int], text: str, colour: str, size: int
) -> None:
    """Writes a line as wide as a tile at most, cut in its middle."""
    font, shown = ImageFont.load_default(size), text
    while font.getlength(shown) > SIDE and len(shown) > 3:
        half = (len(shown) - 2) // 2
        shown = f"{text[:half]}…{text[-half:]}"
    pen.text(top, shown, colour, font, anchor="ma")
