"""The tables of a report: variants beside each other, ours beside what others published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rich.table import Table

from kdiqa.metrics.selection import MARK
from kdiqa.report.grid import NONE, Grid, count, interval, number, probability

COLUMNS = {
    "srcc": "SRCC",
    "plcc": "PLCC",
    "plcc_fit": "PLCC fit",
    "krcc": "KRCC",
    "rmse": "RMSE",
    "n": "images",
}
SIGNIFICANT = 0.05


def results(dataset: Mapping[str, Any]) -> Grid:
    """Returns the table of variants on one data set.

    Args:
        dataset: one of `datasets` that :func:`kdiqa.report.summary.summarized` returns.
    """
    variants: Mapping[str, Any] = dataset["variants"]
    compared = any(row.get("difference") for row in variants.values())
    several = any(row["runs"] > 1 for row in variants.values())
    bounded = any(row["measures"]["srcc"].get("low") is not None for row in variants.values())
    head = ["runs", "SRCC", *["± std"] * several, *["95 % interval"] * bounded]
    head += ["PLCC", "PLCC fit", "KRCC", "RMSE", "images"]
    head += ["Δ SRCC", "Δ 95 % interval", "p images", "p runs"] if compared else []
    rows = []
    for name, row in variants.items():
        srcc = row["measures"]["srcc"]
        cells = [marked(name, row["selected_on_test"]), str(row["runs"]), number(srcc["median"])]
        cells += [number(srcc.get("std"))] * several + [interval(srcc)] * bounded
        keys = ("plcc", "plcc_fit", "krcc", "rmse")
        cells += [number(row["measures"].get(key, {}).get("median")) for key in keys]
        cells.append(count(row["images"]))
        if compared:
            cells += _difference(row.get("difference"), name in baselines(variants))
        rows.append(cells)
    caption = f"Agreement with opinions on {dataset['dataset']}"
    made = Grid(caption, head, rows, notes(variants)).filled()
    images = {tuple(row["images"]) for row in variants.values()}
    if images == {()} or len(images) > 1:
        return made
    return replace(made.without("images"), caption=f"{caption}, {count(images.pop())} images")


def baselines(variants: Mapping[str, Any]) -> list[str]:
    """Returns what variants of a data set are compared with."""
    found = [row["difference"] for row in variants.values() if row.get("difference")]
    return list(dict.fromkeys(row["baseline"] for row in found))


def notes(variants: Mapping[str, Any]) -> list[str]:
    """Returns what a reader has to know of a table of results."""
    measures = [row["measures"]["srcc"] for row in variants.values()]
    differences = [row["difference"] for row in variants.values() if row.get("difference")]
    several = any(row["runs"] > 1 for row in variants.values())
    told = ["Medians over runs, on held-out images." if several else "On held-out images."]
    if any(row["within"] for row in variants.values()):
        told[0] += " Measured within each content, as the median over contents; no intervals."
    elif any(row.get("low") is not None for row in measures):
        told[0] += " Intervals: BCa bootstrap over images, by content where images share one."
    elif any("low" in row for row in measures):
        told[0] += " No intervals over images: fewer than five contents were tested."
    else:
        told[0] += " No intervals over images: the rows are no longer where the runs left them."
    if differences:
        told.append(
            f"Δ: SRCC minus that of “{'” or “'.join(baselines(variants))}” on the same split, seed and"
            " images, mean over runs."
        )
        if any(row.get("of") == "runs" for row in differences):
            told[-1] += " Its interval: Student’s, over runs."
        if any(row.get("p_images") is not None for row in differences):
            told[-1] += f" p images: bootstrap; * below {SIGNIFICANT}."
        if any(row.get("p_runs") is not None for row in differences):
            told[-1] += f" p runs: Wilcoxon over the pairs; † below {SIGNIFICANT}."
        if any("p_images_holm" in row or "p_runs_holm" in row for row in differences):
            told[-1] += " Two-sided, after Holm."
    return told


def _difference(found: Mapping[str, Any] | None, itself: bool) -> list[str]:
    if found is None:
        return ["baseline" if itself else NONE, *[NONE] * 3]
    p_images, p_runs = found.get("p_images_holm"), found.get("p_runs_holm")
    marks = "*" * (p_images is not None and p_images < SIGNIFICANT)
    marks += "†" * (p_runs is not None and p_runs < SIGNIFICANT)
    shown = number(found["estimate"], sign=True) + marks
    return [shown, interval(found, sign=True), probability(p_images), probability(p_runs)]


def marked(name: str, selected_on_test: bool) -> str:
    """Returns a name with the mark of numbers that were chosen on the test images."""
    return f"{name} ({MARK})" if selected_on_test else name


def published(dataset: Mapping[str, Any]) -> Grid | None:
    """Returns published numbers with ours above them, or None where there are none."""
    rows = dataset["published"]
    if not rows:
        return None
    grid = []
    for name, row in dataset["variants"].items():
        medians = [number(row["measures"][key]["median"]) for key in ("srcc", "plcc")]
        grid.append(
            [f"ours: {marked(name, row['selected_on_test'])}", *medians, "ours", "this report"]
        )
    for row in rows:
        name = f"{row['method']} ({row['note']})" if row["note"] else row["method"]
        cells = [marked(name, row["selected_on_test"]), number(row["srcc"]), number(row["plcc"])]
        grid.append([*cells, row["protocol"], row["source"]])
    head = ["SRCC", "PLCC", "protocol", "source"]
    note = f"“{MARK}”: the method’s public code keeps the epoch that is best on the test images."
    caption = f"Published numbers on {dataset['dataset']}"
    return Grid(caption, head, grid, [note], words=("protocol", "source"))


def table(results: Mapping[str, Mapping[str, float]], title: str = "") -> Table:
    """Returns the results of single runs as a table for the console.

    Args:
        results: for each name, what :func:`kdiqa.metrics.correlation.summarize` returns; what is
            missing is shown as a dash.
        title: printed above.
    """
    return _runs(results, title).console()


def markdown(results: Mapping[str, Mapping[str, float]]) -> str:
    """Returns the results of single runs as a Markdown table.

    Args:
        results: as for :func:`table`.

    Example:
        >>> print(markdown({"student": {"srcc": 0.8123, "n": 40}}))
        | | SRCC | PLCC | PLCC fit | KRCC | RMSE | images |
        |---|---:|---:|---:|---:|---:|---:|
        | student | 0.812 | – | – | – | – | 40 |
    """
    return _runs(results).markdown()


def _runs(results: Mapping[str, Mapping[str, float]], title: str = "") -> Grid:
    rows = [
        [name, *(number(row.get(key)) for key in list(COLUMNS)[:-1]), count(_images(row))]
        for name, row in results.items()
    ]
    return Grid(title, list(COLUMNS.values()), rows)


def _images(row: Mapping[str, float]) -> list[int]:
    return [int(row["n"])] if "n" in row else []
