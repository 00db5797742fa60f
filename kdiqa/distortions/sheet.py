"""Contact sheets: one picture of all types and levels, one of the re-distortion presets."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import default_rng
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from kdiqa.distortions import redistort
from kdiqa.distortions.kadid import KADID, distort
from kdiqa.distortions.pixels import Pixels, to_float, to_uint8

KADID_TILE = 192  # pixels, the side of one example, shown one to one
PRESET_TILE = 320
LABEL = 150  # pixels, the width of the names on the left
HEADER = 26  # pixels, the height of the line above
GAP = 4

Row = tuple[str, Sequence[Pixels]]


def square(image: Pixels, size: int) -> Pixels:
    """Returns the middle of an 8-bit RGB image, ``size`` pixels square, as large as it fits."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = image[top : top + side, left : left + side]
    return cv2.resize(middle, (size, size), interpolation=cv2.INTER_AREA)


def kadid_sheet(image: Pixels, seed: int = 0, mapmm: bool = True) -> Pixels:
    """Returns the picture of the 25 types, a row each, by their five levels.

    Every example is made at the size at which it is shown.
    """
    pristine = square(image, KADID_TILE)
    rows: list[Row] = [("original", [pristine])]
    for kind in KADID:
        examples = [
            to_uint8(distort(to_float(pristine), kind, level, default_rng(seed), mapmm))
            for level in (1, 2, 3, 4, 5)
        ]
        rows.append((f"{kind.id} {kind.name}".replace("_", " "), examples))
    levels = [f"level {level}" for level in (1, 2, 3, 4, 5)]
    return np.hstack([grid(levels, rows[:13]), grid(levels, rows[13:])])


def preset_sheet(image: Pixels, seed: int = 0) -> Pixels:
    """Returns the picture of the presets, a row each.

    The columns show another seed, an image of half the brightness, and both images on the
    photometric floor.
    """
    pristine = square(image, PRESET_TILE)
    dark = to_uint8(0.5 * to_float(pristine))
    rows: list[Row] = []
    for preset in (
        redistort.none(),
        redistort.official9(),
        redistort.official22(),
        redistort.random5(),
        redistort.paper3p(),
        redistort.kadid_max(),
        redistort.single("jpeg"),
    ):
        floor = redistort.Pipeline(preset.steps, preset.name, True, preset.choose)
        results = [preset(pristine, seed), preset(pristine, seed + 1), preset(dark, seed)]
        results += [floor(pristine, seed), floor(dark, seed)]
        rows.append((preset.name, results))
    columns = [f"seed {seed}", f"seed {seed + 1}", "half as bright", "floor", "half, floor"]
    return grid(columns, rows)


def grid(columns: Sequence[str], rows: Sequence[Row]) -> Pixels:
    """Returns a table of square examples, named above and on the left, as one 8-bit RGB image."""
    tile = len(rows[0][1][0])
    step = tile + GAP
    size = (LABEL + step * len(columns) + GAP, HEADER + step * len(rows))
    picture = Pillow.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    for column, name in enumerate(columns):
        middle = LABEL + column * step + tile // 2
        draw.text((middle, HEADER // 2), name, "black", font, anchor="mm")
    for row, (name, examples) in enumerate(rows):
        top = HEADER + row * step
        lines = name if len(name) < 17 else "\n".join(name.rsplit(" ", 1))
        draw.multiline_text((8, top + tile // 2), lines, "black", font, anchor="lm")
        for column, example in enumerate(examples):
            picture.paste(Pillow.fromarray(example), (LABEL + column * step, top))
    return np.asarray(picture)
