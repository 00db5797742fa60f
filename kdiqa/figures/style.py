"""The style of all figures."""

import itertools
from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
MAX_LINES = 8  # more levels than these are drawn as a heat map
MAX_LETTERS = 18  # of a label, for three in a row below the axes
MAX_ROWS = 20  # of a legend, before it takes a second column
NARROW = 4.8  # inches: of a figure that a phone shows as wide as its screen
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
}


def legend(axes: Axes, below: bool = False) -> None:
    """Puts the legend next to the axes, or below them where the page is narrow."""
    labels = axes.get_legend_handles_labels()[1]
    loc: Any
    if below:
        columns = 2 if max(map(len, labels), default=0) > MAX_LETTERS else 3
        loc, anchor = "upper center", (0.5, -0.16)
    else:
        columns = 1 + len(labels) // MAX_ROWS
        loc, anchor = "center left", (1.0, 0.5)
    axes.legend(markerscale=1.5, loc=loc, bbox_to_anchor=anchor, ncols=columns)


def styles() -> Iterator[tuple[str, str]]:
    """Returns pairs of colour and marker without end; the first 49 differ."""
    for i in itertools.count():
        yield COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)]
