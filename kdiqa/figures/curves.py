"""What a run logged, over its epochs."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kdiqa.figures.style import MAX_LINES, NARROW, STYLE, legend, styles


@mpl.rc_context(STYLE)
def level_weights(metrics: pd.DataFrame) -> Figure | None:
    """Returns the weight of each level over the epochs: lines, or a heat map of many.

    Args:
        metrics: what a run logged, with columns `epoch` and `train/weight_level<i>`.
    """
    table = _levels(metrics)
    if table.empty:
        return None
    if len(table.columns) > MAX_LINES:
        return level_heat_map(metrics)
    figure = Figure(figsize=(7.6, 4.2))
    axes = figure.subplots()
    axes.set_title("Weights of the levels in distillation")
    _lines(axes, table)
    axes.set_ylabel("weight")
    axes.set_ylim(bottom=min(0.0, float(table.min(axis=None))))
    _epochs(axes)
    return figure


@mpl.rc_context(STYLE)
def level_heat_map(metrics: pd.DataFrame, narrow: bool = False) -> Figure | None:
    """Returns the weight of each level over the epochs as a heat map, the finest level on top.

    Args:
        metrics: as for :func:`level_weights`.
        narrow: for a page: small, without a title.
    """
    table = _levels(metrics)
    if table.empty:
        return None
    count = len(table.columns)
    figure = Figure(figsize=(NARROW if narrow else 7.6, 1.4 + 0.28 * max(count, 4)))
    axes = figure.subplots()
    low = min(0.0, float(table.min(axis=None)))  # equal weights are one colour, and not noise
    extent = (table.index[0] - 0.5, table.index[-1] + 0.5, count - 0.5, -0.5)
    image = axes.imshow(table.T, aspect="auto", cmap="Blues", extent=extent, vmin=low)
    axes.set_yticks(range(count), table.columns, fontsize=10 if count <= MAX_LINES else 8)
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, label="weight")
    if not narrow:
        axes.set_title("Weights of the levels in distillation")
    _epochs(axes)
    return figure


@mpl.rc_context(STYLE)
def loss_terms(metrics: pd.DataFrame, narrow: bool = False) -> Figure | None:
    """Returns the terms of the training loss over the epochs, above the validation's agreement.

    Args:
        metrics: what a run logged, with columns `epoch`, `train/loss`, `train/loss_<term>`,
            `val/srcc` and `val/plcc`, or `test/` of both where the test images select; each may be
            absent.
        narrow: for a page: small, the legends below.
    """
    losses = _by_epoch(metrics, "train/loss").rename(columns={"": "sum"})
    losses.columns = [name.removeprefix("_") for name in losses.columns]
    split = "validation" if "val/srcc" in metrics else "test"
    agreement = _by_epoch(metrics, "val/" if split == "validation" else "test/")
    agreement = agreement[[name for name in ("srcc", "plcc") if name in agreement]]
    agreement.columns = [name.upper() for name in agreement.columns]
    if not losses.empty:  # without the last reading of the best weights, logged as an epoch more
        agreement = agreement[agreement.index.isin(losses.index)]
    panels = [table for table in (losses, agreement) if not table.empty]
    if not panels:
        return None

    figure = Figure(figsize=(NARROW if narrow else 7.6, 3.2 * len(panels)))
    axes = list(np.atleast_1d(figure.subplots(len(panels), sharex=not narrow)))
    for ax, table in zip(axes, panels, strict=True):
        _lines(ax, table, narrow)
    for ax in axes if narrow else axes[-1:]:
        _epochs(ax)
    if not losses.empty:
        axes[0].set_title("Terms of the training loss")
        axes[0].set_ylabel("loss, mean over an epoch")
        if losses.min(axis=None) > 0 and losses.max(axis=None) > 20 * losses.min(axis=None):
            axes[0].set_yscale("log")
    if not agreement.empty:
        where = f"on {split}" if narrow else f"with the MOS on the {split} split"
        mark = " (selected on test)" if split == "test" else ""
        axes[-1].set_title(f"Agreement {where}{mark}")
        axes[-1].set_ylabel("correlation")
        if "SRCC" in agreement:
            _mark_best(axes[-1], agreement["SRCC"])
    return figure


def _mark_best(axes: Axes, srcc: pd.Series) -> None:
    best = srcc.idxmax()
    axes.axvline(best, color="#999999", linewidth=1, linestyle="--", zorder=0)
    offset, side = (-5, "right") if best > srcc.index.max() / 2 else (5, "left")
    axes.annotate(
        f"best SRCC {srcc.max():.3f}, epoch {best}", (best, 0.04), (offset, 0), ha=side,
        xycoords=("data", "axes fraction"), textcoords="offset points", color="#555555",
    )  # fmt: skip


def _levels(metrics: pd.DataFrame) -> pd.DataFrame:
    return _by_epoch(metrics, "train/weight_level").rename(columns="level {}".format)


def _by_epoch(metrics: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Returns the mean by epoch of all that begins with a prefix, which is cut off.

    Lightning logs `x` as `x_step` and `x_epoch` where both are logged: the epoch's is taken.
    """
    logged_as = [column for column in metrics if column.startswith(prefix)]
    names = {column.removesuffix("_epoch").removesuffix("_step") for column in logged_as}
    means = {}
    for name in sorted(names, key=lambda name: (len(name), name)):  # level 2 before level 10
        column = next(c for c in (f"{name}_epoch", name, f"{name}_step") if c in metrics)
        logged = metrics[["epoch", column]].dropna()
        if len(logged):
            epoch = logged["epoch"].astype(int)
            means[name.removeprefix(prefix)] = logged[column].astype(float).groupby(epoch).mean()
    return pd.DataFrame(means)


def _lines(axes: Axes, table: pd.DataFrame, narrow: bool = False) -> None:
    for (name, values), (colour, marker) in zip(table.items(), styles(), strict=False):
        every = max(1, len(table) // 12)
        axes.plot(values.dropna(), color=colour, marker=marker, markevery=every, label=name)
    legend(axes, narrow)


def _epochs(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
