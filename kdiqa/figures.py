"""Pictures of a run: score against opinion, weights of the levels, terms of the loss.

Each function returns a figure, or None where the table holds nothing of its subject. Colours are
Okabe and Ito's (2008), which the colour-blind can tell apart; markers repeat what colours say.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kdiqa.metrics.correlation import fit_logistic, summarize

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
MAX_LINES = 8  # more levels than these are drawn as a heat map
MAX_ROWS = 20  # of a legend, before it takes a second column
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


@mpl.rc_context(STYLE)
def score_against_opinion(rows: pd.DataFrame, title: str = "Score against opinion") -> Figure:
    """Returns a scatter of opinions over scores with the logistic fit, coloured by distortion.

    Args:
        rows: one row an image, with `mos` and `score` in one unit, higher is better, and
            `distortion` where it is known.
        title: printed above the measures of agreement.
    """
    score, mos = rows["score"].to_numpy(float), rows["mos"].to_numpy(float)
    row, fit = summarize(score, mos), fit_logistic(score, mos)
    groups = rows.get("distortion", pd.Series(None, rows.index, dtype=object))
    groups = groups.fillna("none" if groups.notna().any() else "image").astype(str)
    names = sorted(groups.unique())

    figure = Figure(figsize=(6.6 + 2 * (len(names) > 1) + 2.2 * (len(names) > MAX_ROWS), 5.8))
    axes = figure.subplots()
    size = float(np.clip(9000 / len(rows), 9, 40))
    for name, (colour, marker) in zip(names, _looks(), strict=False):
        dots = {"s": size, "color": colour, "marker": marker, "linewidth": 0, "label": name}
        axes.scatter(score[groups == name], mos[groups == name], alpha=0.75, **dots)
    ends = [min(score.min(), mos.min()), max(score.max(), mos.max())]
    axes.plot(ends, ends, color="#999999", linewidth=1, linestyle="--", label="score = opinion")
    if fit.ok:
        x = np.linspace(score.min(), score.max(), 300)
        axes.plot(x, fit(x), color="#000000", label="logistic fit")

    axes.set_xlabel("predicted score (in units of opinion, higher is better)")
    axes.set_ylabel("opinion score (higher is better)")
    figure.suptitle(title, x=0.01, ha="left", weight="bold")
    axes.set_title(
        f"SRCC {row['srcc']:.3f}   PLCC {row['plcc']:.3f}, after the fit {row['plcc_fit']:.3f}   "
        f"RMSE {row['rmse']:.3f}   {len(rows)} images",
        fontsize=10,
        weight="normal",
    )
    _legend_beside(axes) if len(names) > 1 else axes.legend(loc="upper left")
    return figure


@mpl.rc_context(STYLE)
def level_weights(metrics: pd.DataFrame) -> Figure | None:
    """Returns the weight of each level over the epochs: lines, or a heat map of many.

    Args:
        metrics: what a run logged, with columns `epoch` and `train/weight_level<i>`.
    """
    table = _by_epoch(metrics, "train/weight_level")
    if table.empty:
        return None
    table.columns = [f"level {name}" for name in table.columns]
    count = len(table.columns)

    figure = Figure(figsize=(7.6, 4.2 if count <= MAX_LINES else 2 + 0.22 * count))
    axes = figure.subplots()
    axes.set_title("Weights of the levels in distillation")
    if count <= MAX_LINES:
        _lines(axes, table)
        axes.set_ylabel("weight")
        axes.set_ylim(bottom=min(0.0, float(table.min(axis=None))))
    else:
        extent = (table.index[0] - 0.5, table.index[-1] + 0.5, count - 0.5, -0.5)
        image = axes.imshow(table.T, aspect="auto", cmap="cividis", extent=extent)
        axes.set_yticks(range(count), table.columns, fontsize=8)
        axes.grid(visible=False)
        figure.colorbar(image, ax=axes, label="weight")
    _epochs(axes)
    return figure


@mpl.rc_context(STYLE)
def loss_terms(metrics: pd.DataFrame) -> Figure | None:
    """Returns the terms of the training loss over the epochs, above the validation's agreement.

    Args:
        metrics: what a run logged, with columns `epoch`, `train/loss`, `train/loss_<term>`,
            `val/srcc` and `val/plcc`, or `test/` of both where the test images select; each may be
            absent.
    """
    losses = _by_epoch(metrics, "train/loss").rename(columns={"": "sum"})
    losses.columns = [name.removeprefix("_") for name in losses.columns]
    part = "validation" if "val/srcc" in metrics else "test"
    agreement = _by_epoch(metrics, "val/" if part == "validation" else "test/")
    agreement = agreement[[name for name in ("srcc", "plcc") if name in agreement]]
    agreement.columns = [name.upper() for name in agreement.columns]
    if not losses.empty:  # without the last reading of the best weights, logged as an epoch more
        agreement = agreement[agreement.index.isin(losses.index)]
    panels = [table for table in (losses, agreement) if not table.empty]
    if not panels:
        return None

    figure = Figure(figsize=(7.6, 3.2 * len(panels)))
    axes = list(np.atleast_1d(figure.subplots(len(panels), sharex=True)))
    for ax, table in zip(axes, panels, strict=True):
        _lines(ax, table)
    _epochs(axes[-1])
    if not losses.empty:
        axes[0].set_title("Terms of the training loss")
        axes[0].set_ylabel("loss, mean over an epoch")
        if losses.min(axis=None) > 0 and losses.max(axis=None) > 20 * losses.min(axis=None):
            axes[0].set_yscale("log")
    if not agreement.empty:
        axes[-1].set_title(
            f"Agreement with opinions on the {part} split"
            + (" (selected on test)" if part == "test" else "")
        )
        axes[-1].set_ylabel("correlation")
    if "SRCC" in agreement and not agreement.empty:
        best, value = agreement["SRCC"].idxmax(), agreement["SRCC"].max()
        axes[-1].axvline(best, color="#999999", linewidth=1, linestyle="--", zorder=0)
        text = f"best SRCC {value:.3f}, epoch {best}"
        left = best > agreement.index.max() / 2
        axes[-1].annotate(
            text, (best, 0.04), (-5 if left else 5, 0), ha="right" if left else "left",
            xycoords=("data", "axes fraction"), textcoords="offset points", color="#555555",
        )  # fmt: skip
    return figure


def _by_epoch(metrics: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Returns the mean by epoch of all that begins with a prefix, which is cut off.

    Lightning logs `x` as `x_step` and `x_epoch` where both are asked for: the epoch's is taken.
    """
    found = {}
    for name in sorted(
        {c.removesuffix("_epoch").removesuffix("_step") for c in metrics if c.startswith(prefix)},
        key=lambda name: (len(name), name),  # level 2 before level 10
    ):
        column = next(c for c in (f"{name}_epoch", name, f"{name}_step") if c in metrics)
        logged = metrics[["epoch", column]].dropna()
        if len(logged):
            epoch = logged["epoch"].astype(int)
            found[name.removeprefix(prefix)] = logged[column].astype(float).groupby(epoch).mean()
    return pd.DataFrame(found)


def _lines(axes: Axes, table: pd.DataFrame) -> None:
    for (name, values), (colour, marker) in zip(table.items(), _looks(), strict=False):
        every = max(1, len(table) // 12)
        axes.plot(values.dropna(), color=colour, marker=marker, markevery=every, label=name)
    _legend_beside(axes)


def _legend_beside(axes: Axes) -> None:
    labels = axes.get_legend_handles_labels()[1]
    columns = 1 + len(labels) // MAX_ROWS
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), ncols=columns, markerscale=1.5)


def _epochs(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def _looks() -> Iterator[tuple[str, str]]:
    """Returns pairs of colour and marker without end; the first 49 differ."""
    for turn in itertools.count():
        for i, colour in enumerate(COLOURS):
            yield colour, MARKERS[(i + turn) % len(MARKERS)]
