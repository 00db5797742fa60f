"""The tables of a report: variants in one table, ours with what others published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
P_VALUES = {"p_images": "p images", "p_steiger": "p Steiger", "p_runs": "p runs"}
OVER = ("runs", "images")  # what an interval is over
SIGNIFICANT = 0.05


def results(variants: Mapping[str, Any], caption: str, from_rows: bool = True) -> Grid:
    """Returns the table of variants.

    Args:
        variants: what :func:`kdiqa.report.variants.by_variant` returns.
        caption: what the table shows; a number of images that all variants share is added.
        from_rows: whether the reader may expect intervals over images.
    """
    measures = [row["measures"]["srcc"] for row in variants.values()]
    several = any(row["runs"] > 1 for row in variants.values())
    bounds = {of for of in OVER if any(_bounded(row, of) for row in measures)}
    head = ["runs", "SRCC", *["SRCC mean"] * ("runs" in bounds), *["± std"] * several]
    head += [f"95 % over {of}" for of in OVER if of in bounds]
    head += ["PLCC", "PLCC fit", "KRCC", "RMSE", "images"]
    differences = [row["difference"] for row in variants.values() if row.get("difference")]
    compared = [of for of in OVER if any(_bounded(row, of) for row in differences)]
    if differences:
        head += ["Δ SRCC", *(f"Δ 95 % over {of}" for of in compared), *P_VALUES.values()]
    rows = []
    for (name, row), srcc in zip(variants.items(), measures, strict=True):
        cells = [marked(name, row["selected_on_test"]), str(row["runs"]), number(srcc["median"])]
        cells += [number(srcc["mean"])] * ("runs" in bounds) + [number(srcc.get("std"))] * several
        cells += [interval(srcc, of) for of in OVER if of in bounds]
        keys = ("plcc", "plcc_fit", "krcc", "rmse")
        cells += [number(row["measures"].get(key, {}).get("median")) for key in keys]
        cells.append(count(row["images"]))
        if differences:
            cells += _difference(row.get("difference"), compared, name in baselines(variants))
        rows.append(cells)
    grid = Grid(caption, head, rows, notes(variants, from_rows)).filled()
    images = {tuple(row["images"]) for row in variants.values()}
    if images == {()} or len(images) != 1:
        return grid
    return replace(grid.without("images"), caption=f"{caption}, {count(images.pop())} images")


def of_dataset(dataset: Mapping[str, Any]) -> Grid:
    """Returns the table of variants on one data set.

    Args:
        dataset: one of `datasets` that :func:`kdiqa.report.summary.summarized` returns.
    """
    return results(dataset["variants"], f"Agreement with the MOS on {dataset['dataset']}")


def baselines(variants: Mapping[str, Any]) -> list[str]:
    """Returns what variants are compared with."""
    compared = [row["difference"] for row in variants.values() if row.get("difference")]
    return list(dict.fromkeys(row["baseline"] for row in compared))


def differences(variants: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Returns what :func:`kdiqa.figures.forest` draws: differences by variant, and their baseline."""
    rows = {
        marked(name, row["selected_on_test"]): row["difference"]
        for name, row in variants.items()
        if row.get("difference")
    }
    return rows, " or ".join(baselines(variants))


def notes(variants: Mapping[str, Any], from_rows: bool = True) -> list[str]:
    """Returns what a reader has to know of a table of results."""
    measures = [row["measures"]["srcc"] for row in variants.values()]
    differences = [row["difference"] for row in variants.values() if row.get("difference")]
    several = any(row["runs"] > 1 for row in variants.values())
    lines = ["Medians over runs, on held-out images." if several else "On held-out images."]
    if any(row["within"] for row in variants.values()):
        lines[0] += " Measured within each content, as the median over contents."
    elif any(_bounded(row, "images") for row in measures):
        lines[0] += " Over images: BCa bootstrap, by content where images share one."
    elif any(row.get("of") == "images" for row in measures):
        lines[0] += " No intervals over images: fewer than five contents were tested."
    elif from_rows:
        lines[0] += " No intervals over images: the rows are no longer where the runs left them."
    if any(_bounded(row, "runs") for row in [*measures, *differences]):
        lines[0] += " Over runs: Student’s, of the mean."
    if differences:
        lines.append(_on_differences(differences, baselines(variants)))
    return lines


def _on_differences(differences: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    text = (
        f"Δ: SRCC minus that of “{'” or “'.join(names)}” on the same split, seed and images, mean"
        " over runs."
    )
    tests = {
        "p_images": f" p images: bootstrap; * below {SIGNIFICANT}.",
        "p_steiger": " p Steiger: of one pair of runs, its images taken as independent.",
        "p_runs": f" p runs: Wilcoxon over the pairs; † below {SIGNIFICANT}.",
    }
    used = [key for key in tests if any(row.get(key) is not None for row in differences)]
    text += "".join(tests[key] for key in used)
    return f"{text} Two-sided, after Holm." if used else text


def _bounded(row: Mapping[str, Any], of: str) -> bool:
    return row.get("of") == of and row.get("low") is not None


def _difference(
    row: Mapping[str, Any] | None, compared: Sequence[str], is_baseline: bool
) -> list[str]:
    if row is None:
        nothing = [NONE] * (len(compared) + len(P_VALUES))
        return ["baseline" if is_baseline else NONE, *nothing]
    p_values = [row.get(f"{key}_holm") for key in P_VALUES]
    marks = "".join(
        mark
        for key, mark in (("p_images", "*"), ("p_runs", "†"))
        if (p := row.get(f"{key}_holm")) is not None and p < SIGNIFICANT
    )
    bounds = [interval(row, of, sign=True) for of in compared]
    return [number(row["estimate"], sign=True) + marks, *bounds, *map(probability, p_values)]


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
