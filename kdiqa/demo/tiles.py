"""Where a picture is good or bad: its tiles, each scored as a picture of its own."""

from __future__ import annotations

from itertools import pairwise

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kdiqa.demo.ladder import drawn
from kdiqa.figures.style import STYLE
from kdiqa.scorer import Scorer

Image = NDArray[np.uint8]
ACROSS = 8  # tiles on the longer side


@mpl.rc_context(STYLE)
def quality_map(scorer: Scorer, image: Image) -> Image:
    """Returns a picture with the scores of its tiles over it.

    Args:
        scorer: Says them.
        image: RGB, :math:`(H, W, 3)`.
    """
    scores = tile_scores(scorer, image)
    height, width = image.shape[:2]
    figure = Figure(figsize=(7, min(9.0, 6 * height / width + 0.6)), dpi=110)
    axes = figure.subplots()
    axes.imshow(image.mean(axis=2), cmap="gray", vmin=0, vmax=255)
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    shown = axes.imshow(scores, cmap="viridis", alpha=0.55, vmin=0, vmax=1, extent=extent)
    figure.colorbar(shown, ax=axes, label="score of a tile, higher is better")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    return drawn(figure)


def tile_scores(scorer: Scorer, image: Image) -> NDArray[np.float64]:
    """Returns the scores of tiles side by side, :math:`(R, C)`, about square."""
    height, width = image.shape[:2]
    side = max(1, round(max(height, width) / ACROSS))
    rows, columns = (np.linspace(0, full, max(1, round(full / side)) + 1).astype(int)
                     for full in (height, width))  # fmt: skip
    return np.array(
        [
            scorer.score([image[top:below, left:right]
                          for left, right in pairwise(columns)])
            for top, below in pairwise(rows)
        ]
    )  # fmt: skip
