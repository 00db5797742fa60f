"""An image, worse and worse: some types of KADID-10k's distortions at their levels, scored."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from kdiqa.distortions.kadid import distort
from kdiqa.distortions.pixels import to_float, to_uint8
from kdiqa.figures.contact_sheet import grid, square
from kdiqa.figures.style import STYLE, styles
from kdiqa.scorer.predictor import Predictor

Image = NDArray[np.uint8]
KINDS = ("gaussian_blur", "jpeg", "white_noise", "darken", "pixelate")
LEVELS = (1, 2, 3, 4, 5)
PIXELS = 1_000_000  # a larger image is shrunk to them first
TILE = 128  # pixels, of a thumbnail


class Rung(NamedTuple):
    """A type of distortion on the image."""

    kind: str
    images: Sequence[Image]
    """The image as it is, and at each level."""
    scores: Sequence[float]
    """Nominally in [0, 1], higher is better."""


def rung(predictor: Predictor, image: Image, kind: str, score: float) -> Rung:
    """Returns an image :math:`(H, W, 3)`, which has the score, under one type of distortion."""
    given = to_float(image)
    distorted = [
        to_uint8(distort(given, kind, level, np.random.default_rng(0), mapmm=False))
        for level in LEVELS
    ]
    return Rung(kind, [image, *distorted], [score, *predictor.score(distorted)])


@mpl.rc_context(STYLE)
def chart(ladder: Sequence[Rung]) -> Image:
    """Returns an image of scores by level, one line a type."""
    figure = Figure(figsize=(7, 3.6), dpi=110)
    axes = figure.subplots()
    for one, (colour, marker) in zip(ladder, styles(), strict=False):
        name = one.kind.replace("_", " ")
        axes.plot(range(len(one.scores)), one.scores, color=colour, marker=marker, label=name)
    axes.set(xlabel="level of distortion, 0: as it is", ylabel="score",
             xticks=range(len(LEVELS) + 1))  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.02), max(high, 1.02))  # scores are not clipped to [0, 1]
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return drawn(figure)


def drawn(figure: Figure) -> Image:
    """Returns a figure's pixels, RGB."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def thumbnails(ladder: Sequence[Rung]) -> Image:
    """Returns the images behind the chart in small, each with its score."""
    columns = ["as it is", *(f"level {level}" for level in LEVELS)]
    rows = []
    for kind, images, scores in ladder:
        tiles = [stamped(square(i, TILE), score) for i, score in zip(images, scores, strict=True)]
        rows.append((kind.replace("_", " "), tiles))
    return grid(columns, rows)


def stamped(tile: Image, score: float) -> Image:
    """Returns a thumbnail with its score in the corner."""
    image = Pillow.fromarray(tile)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    draw.rectangle((0, TILE - 19, 44, TILE), "black")
    draw.text((4, TILE - 10), f"{score:.3f}", "white", font, anchor="lm")
    return np.asarray(image)
