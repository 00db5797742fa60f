"""A picture of the pictures that scored worst."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.scorer.rows import Row

SHOWN = 48
COLUMNS = 8
TILE = 180  # pixels, the side that a picture fits into
LINE = 20  # pixels, of one line of text
GAP = 8


def worst(rows: Sequence[Row]) -> list[Row]:
    """Returns the rows with a score, worst first."""
    found = [(row.score, row.image, row) for row in rows if row.score is not None]
    return [row for _, _, row in sorted(found)]


def draw(rows: Sequence[Row]) -> Pillow.Image:
    """Returns the contact sheet of the worst pictures, from the top left on, each with its score.

    Args:
        rows: Of all pictures; those without a score are left out.
    """
    ranked = worst(rows)
    shown = ranked[:SHOWN]
    columns = max(1, min(COLUMNS, len(shown)))
    lines = -(-len(shown) // columns)
    step, high = TILE + GAP, TILE + 2 * LINE + GAP
    size = (max(columns * step + GAP, 420), LINE + 2 * GAP + lines * high)
    picture = Pillow.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    title = f"The worst {len(shown)} of {len(ranked)} pictures, worst first; score in [0, 1]"
    pen.text((GAP, GAP), title, "black", font)
    for place, row in enumerate(shown):
        left, top = GAP + place % columns * step, LINE + 2 * GAP + place // columns * high
        try:
            tile = Pillow.fromarray(thumbnail(read_rgb(Path(row.image))))
            picture.paste(tile, (left + (TILE - tile.width) // 2, top + TILE - tile.height))
        except ImageReadError:  # it was there when it was scored
            pen.rectangle((left, top, left + TILE, top + TILE), outline="gray")
        pen.text((left, top + TILE + 2), f"{place + 1}.  {row.score:.3f}", "black", font)
        pen.text((left, top + TILE + LINE), shortened(row.image, pen, font), "dimgray", font)
    return picture


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a picture that fits into a tile, in its own proportions."""
    height, width = image.shape[:2]
    share = TILE / max(height, width)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def shortened(path: str, pen: ImageDraw.ImageDraw, font: Any) -> str:
    """Returns a file's name, its middle left out where it is wider than a tile."""
    name = Path(path).name.encode("utf-8", "replace").decode()
    text, keep = name, len(name)
    while pen.textlength(text, font) > TILE and keep > 2:
        keep -= 2
        text = f"{name[: keep // 2]}…{name[len(name) - keep // 2 :]}"
    return text
