"""Numbers to compare: by part of a test, and by variant against a baseline."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kdiqa.figures.style import COLOURS, NARROW, STYLE

Reach = Mapping[str, Any]
MAX_LINE = 60  # letters of a label that fit below a narrow figure


@mpl.rc_context(STYLE)
def parts(values: Mapping[str, Reach], what: str = "distortion") -> Figure | None:
    """Returns bars of the SRCC within each part of a test, the best on top.

    Args:
        values: for each part, `median` over the runs, and `min` and `max` where there are several.
            Parts without a median are left out.
        what: what the parts are.
    """
    table = pd.DataFrame.from_dict(values, orient="index", columns=["median", "min", "max"])
    table = table.astype(float).dropna(subset="median").sort_values("median", kind="stable")
    if table.empty:
        return None
    middle = table["median"]
    low, high = table["min"].fillna(middle), table["max"].fillna(middle)
    figure = Figure(figsize=(NARROW, 1.1 + 0.22 * max(len(table), 3)))
    axes = figure.subplots()
    axes.barh(table.index, middle, color=COLOURS[5], height=0.7)
    if (high > low).any():
        style: dict[str, Any] = {
            "fmt": "none",
            "ecolor": "#333333",
            "elinewidth": 1.2,
            "capsize": 2,
        }
        axes.errorbar(middle, table.index, xerr=(middle - low, high - middle), **style)
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
        low = estimate if low is None else low
        high = estimate if high is None else high
        clear = high > low and (low > 0 or high < 0)
        colour, inside = (COLOURS[0], COLOURS[0]) if clear else ("#555555", "#FFFFFF")
        axes.plot([low, high], [index, index], color=colour, linewidth=2)
        marker: dict[str, Any] = {"marker": "s", "markersize": 7, "markerfacecolor": inside}
        axes.plot([estimate], [index], color=colour, **marker)
    axes.set_yticks(range(len(differences)), list(differences))
    axes.set_ylim(len(differences) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    figure.supxlabel(fill(f"SRCC minus that of {baseline}", MAX_LINE), fontsize="medium")
    return figure
