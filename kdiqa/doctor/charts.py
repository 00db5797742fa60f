"""Charts of a data set: its scores, its distortions, the sizes of its images."""

from collections import Counter
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kdiqa.figures import COLOURS, STYLE

BINS = 40
NO_LEVEL = "all"  # where the authors number no levels
WIDTH = 7.6  # inches


@mpl.rc_context(STYLE)
def histogram(
    scores: Mapping[str, Sequence[float]], ends: tuple[float, float], better: str, title: str
) -> Figure:
    """Returns the distribution of scores, the parts stacked.

    Args:
        scores: Of each part, on the authors' scale.
        ends: Of that scale.
        better: Which end of it is good, in words.
        title: Printed above.
    """
    figure = Figure(figsize=(WIDTH, 4.4))
    axes = figure.subplots()
    labels = [f"{part} ({len(values)})" for part, values in scores.items()]
    axes.hist(
        list(scores.values()),
        bins=[float(edge) for edge in np.linspace(*ends, BINS + 1)],
        stacked=True,
        color=COLOURS[: len(scores)],
        label=labels,
        edgecolor="white",
        linewidth=0.4,
    )
    axes.set_title(title)
    axes.set_xlabel(f"opinion score on the authors' scale, {better}")
    axes.set_ylabel("images")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@mpl.rc_context(STYLE)
def distortions(counts: Mapping[str, Mapping[str, int]], title: str) -> Figure | None:
    """Returns how many images there are of each distortion and level; None without any."""
    if not counts:
        return None
    levels = levels_of(counts)
    grid = np.array([[row.get(level, 0) for level in levels] for row in counts.values()])
    longest = max(map(len, counts))
    size = (2.2 + 0.09 * longest + 0.8 * len(levels), 1.7 + 0.3 * len(counts))
    figure = Figure(figsize=(max(size[0], 5.2), size[1]))
    axes = figure.subplots()
    axes.imshow(grid, aspect="auto", cmap="Blues", vmin=0, vmax=1.8 * grid.max())
    axes.grid(visible=False)
    axes.set_xticks(np.arange(len(levels) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(counts) + 1) - 0.5, minor=True)
    axes.grid(visible=True, which="minor", color="white", linewidth=1.5)
    axes.set_xticks(range(len(levels)), levels)
    axes.set_yticks(range(len(counts)), list(counts))
    axes.set_xlabel("level" if levels != [NO_LEVEL] else "levels")
    axes.set_ylabel("distortion")
    axes.tick_params(which="both", length=0)
    for y, x in np.ndindex(grid.shape):
        axes.text(x, y, str(grid[y, x] or "–"), ha="center", va="center", color="#222222")
    figure.suptitle(f"{title}, by distortion", x=0.01, ha="left", weight="bold")
    return figure


@mpl.rc_context(STYLE)
def sizes(found: Sequence[tuple[int, int]], title: str) -> Figure | None:
    """Returns widths and heights as dots, larger where more images have them; None for one size.

    Args:
        found: Width and height of each image, in pixels.
        title: Printed above.
    """
    counts = Counter(found)
    if len(counts) < 2:
        return None
    figure = Figure(figsize=(WIDTH, 5.2))
    axes = figure.subplots()
    width, height = np.array(list(counts)).T
    number = np.array(list(counts.values()))
    area = 24 + 600 * number / number.sum()
    axes.scatter(width, height, area, color=COLOURS[0], alpha=0.6, linewidth=0)
    (x, y), n = counts.most_common(1)[0]
    right = x > (width.min() + width.max()) / 2
    axes.annotate(
        f"most have {x}×{y}: {n}" if 2 * n > number.sum() else f"{n} have {x}×{y}",
        (x, y),
        (-18 if right else 18, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="center",
    )
    axes.margins(0.16)
    axes.set_title(f"{title}, by size ({len(counts)} sizes)")
    axes.set_xlabel("width in pixels")
    axes.set_ylabel("height in pixels")
    return figure


def levels_of(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Returns all levels that any distortion has, in their order."""
    levels = {level for row in counts.values() for level in row}
    return sorted(levels, key=lambda level: (not level.isdecimal(), len(level), level))
