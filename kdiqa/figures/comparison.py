"""Numbers to compare: by part of a test, and by variant against a baseline."""

from collections.abc import Mapping
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kdiqa.figures.style import COLOURS, NARROW, STYLE

Reach = Mapping[str, float | None]
MAX_LINE = 60  # letters of a label that fit below a narrow figure


@mpl.rc_context(STYLE)
def parts(values: Mapping[str, Reach], what: str = "distortion") -> Figure | None:
    """Returns bars of the SRCC within each part of a test, the best on top.

    Args:
        values: for each part, `median` over the runs, and `min` and `max` where there are several.
            Parts without a median are left out.
        what: what the parts are.
    """
    shown = {name: row for name, row in values.items() if row.get("median") is not None}
    if not shown:
        return None
    names = sorted(shown, key=lambda name: float(shown[name]["median"] or 0))
    middle = np.array([shown[name]["median"] for name in names], float)
    low = np.array([shown[name].get("min", shown[name]["median"]) for name in names], float)
    high = np.array([shown[name].get("max", shown[name]["median"]) for name in names], float)

    figure = Figure(figsize=(NARROW, 1.1 + 0.22 * max(len(names), 3)))
    axes = figure.subplots()
    axes.barh(names, middle, color=COLOURS[5], height=0.7)
    if (high > low).any():
        axes.errorbar(
            middle, names, xerr=(middle - low, high - middle), fmt="none", ecolor="#333333",
            elinewidth=1.2, capsize=2,
        )  # fmt: skip
    axes.axvline(0, color="#666666", linewidth=1)
    axes.set_xlim(min(0.0, float(low.min())), 1)
    axes.set_xlabel(f"SRCC within a {what}")
    axes.grid(visible=False, axis="y")
    axes.margins(y=0.01)
    return figure


@mpl.rc_context(STYLE)
def forest(differences: Mapping[str, Reach], baseline: str) -> Figure | None:
    """Returns each variant's difference to the baseline with its interval, one below the other.

    An interval that leaves out 0 is drawn in full colour; one that holds it, hollow.

    Args:
        differences: for each variant `estimate`, `low` and `high`; the bounds may be missing.
        baseline: what they are compared with.
    """
    if not differences:
        return None
    figure = Figure(figsize=(NARROW, 1.2 + 0.36 * len(differences)))
    axes = figure.subplots()
    axes.axvline(0, color="#666666", linewidth=1, linestyle="--")
    for index, row in enumerate(differences.values()):
        estimate, low, high = row["estimate"], row.get("low"), row.get("high")
        assert estimate is not None
        low = estimate if low is None else low
        high = estimate if high is None else high
        clear = high > low and (low > 0 or high < 0)
        colour = COLOURS[0] if clear else "#555555"
        axes.plot([low, high], [index, index], color=colour, linewidth=2)
        inside = colour if clear else "#FFFFFF"
        axes.plot(
            [estimate], [index], marker="s", markersize=7, color=colour, markerfacecolor=inside
        )
    axes.set_yticks(range(len(differences)), list(differences))
    axes.set_ylim(len(differences) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    figure.supxlabel(fill(f"SRCC minus that of {baseline}", MAX_LINE), fontsize="medium")
    return figure
