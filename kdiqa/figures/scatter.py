"""Scores against the MOS."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from kdiqa.figures.style import MAX_ROWS, NARROW, STYLE, legend, styles
from kdiqa.metrics.correlation import fit_logistic, summarize

UNITS = " (in units of the MOS, higher is better)"


@mpl.rc_context(STYLE)
def score_against_opinion(
    rows: pd.DataFrame, title: str = "Score against MOS", narrow: bool = False
) -> Figure:
    """Returns a scatter of the MOS over scores with the logistic fit, coloured by distortion.

    Args:
        rows: one row an image, with `mos` and `score` in one unit, higher is better, and
            `distortion` where it is known.
        title: printed above the measures of agreement.
        narrow: for a page: small, the legend below, the measures left to the text.
    """
    score, mos = rows["score"].to_numpy(float), rows["mos"].to_numpy(float)
    fit = fit_logistic(score, mos)
    groups = rows.get("distortion", pd.Series(None, rows.index, dtype=object))
    groups = groups.fillna("none" if groups.notna().any() else "image").astype(str)
    names = sorted(groups.unique())

    legend_rows = len(names) / 2.5 if len(names) > 1 else 0
    width = 6.6 + 2 * (len(names) > 1) + 2.2 * (len(names) > MAX_ROWS)
    figure = Figure(figsize=(NARROW, 4.2 + 0.19 * legend_rows) if narrow else (width, 5.8))
    axes = figure.subplots()
    size = float(np.clip(9000 / len(rows), 9, 40))
    for name, (colour, marker) in zip(names, styles(), strict=False):
        dots = {"s": size, "color": colour, "marker": marker, "linewidth": 0, "label": name}
        axes.scatter(score[groups == name], mos[groups == name], alpha=0.75, **dots)
    ends = [min(score.min(), mos.min()), max(score.max(), mos.max())]
    axes.plot(ends, ends, color="#999999", linewidth=1, linestyle="--", label="score = MOS")
    if fit.ok:
        x = np.linspace(score.min(), score.max(), 300)
        axes.plot(x, fit(x), color="#000000", label="logistic fit")

    legend(axes, narrow) if len(names) > 1 else axes.legend(loc="upper left")
    axes.set_xlabel("predicted score" + UNITS * (not narrow))
    axes.set_ylabel("MOS" + " (higher is better)" * (not narrow))
    if not narrow:
        figure.suptitle(title, x=0.01, ha="left", weight="bold")
        row = summarize(score, mos)
        plcc = f"PLCC {row['plcc']:.3f}, after the fit {row['plcc_fit']:.3f}"
        text = f"SRCC {row['srcc']:.3f}   {plcc}   RMSE {row['rmse']:.3f}   {len(rows)} images"
        axes.set_title(text, fontsize=10, weight="normal")
    return figure
