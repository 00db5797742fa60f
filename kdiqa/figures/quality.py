"""An image with its map of quality, and what each level adds."""

from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kdiqa.figures.style import COLOURS, STYLE

MAP = "viridis"  # even for the colour-blind, and in grey
NOTE = 30  # letters of a line


@mpl.rc_context(STYLE)
def explanation(image: NDArray[np.uint8], quality: Any) -> Figure:
    """Returns a figure of three parts: the image, the map over it, and the levels' shares.

    Args:
        image: RGB, :math:`(H, W, 3)`.
        quality: Its :class:`kdiqa.scorer.quality_map.QualityMap`.
    """
    height, width = image.shape[:2]
    tall = float(np.clip(4.2 * height / width, 2.4, 6.0))
    figure = Figure(figsize=(13.0, tall + 1.0))
    left, middle, right = figure.subplots(1, 3, width_ratios=(4.2, 4.9, 2.8))
    left.imshow(image)
    left.set_title(f"score {quality.score:.3f}")
    left.set_xlabel("nominally in [0, 1], higher is better", loc="left")
    overlay(figure, middle, image, quality)
    bars(right, quality)
    for axes in (left, middle):
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(False)
    return figure


def overlay(figure: Figure, axes: Axes, image: NDArray[np.uint8], quality: Any) -> None:
    """Draws the map over the image in grey."""
    height, width = image.shape[:2]
    tiles = quality.tiles
    axes.imshow(image.mean(axis=2), cmap="gray", vmin=0, vmax=255)
    extent: dict[str, Any] = {"extent": (-0.5, width - 0.5, height - 0.5, -0.5), "aspect": "equal"}
    overlaid = axes.imshow(quality.pixels, cmap=MAP, alpha=0.6, vmin=0, vmax=1, **extent)
    figure.colorbar(overlaid, ax=axes, label="score of the tiles", shrink=0.8)
    axes.set_title(f"{tiles.shape[0]}×{tiles.shape[1]} tiles")
    axes.set_xlabel(f"from {tiles.min():.3f} to {tiles.max():.3f}", loc="left")


def bars(axes: Axes, quality: Any) -> None:
    """Draws the mean share of each level over the tiles, with its range."""
    axes.set_title("levels")
    if quality.levels is None:
        note = fill(quality.note, NOTE, break_long_words=False, break_on_hyphens=False)
        axes.set_axis_off()
        axes.text(0, 0.98, note, va="top", transform=axes.transAxes)
        return
    shares = quality.levels.reshape(len(quality.levels), -1)
    mean = shares.mean(axis=1)
    spread = np.stack([mean - shares.min(axis=1), shares.max(axis=1) - mean])
    levels = np.arange(len(mean))
    colours = [COLOURS[2] if value >= 0 else COLOURS[1] for value in mean]
    axes.barh(levels, mean, color=colours, xerr=spread, ecolor="#888888")
    names = [str(level + 1) for level in levels]
    names[0], names[-1] = f"fine {names[0]}", f"coarse {names[-1]}"
    axes.set_yticks(levels, names)
    axes.invert_yaxis()
    axes.axvline(0, color="#666666", linewidth=1)
    axes.set_xlabel("score less the score without it;\nline: from tile to tile")
