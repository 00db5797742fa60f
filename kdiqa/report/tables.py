"""The tables of a report: variants in one table, ours with what others published."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.table import Table

from kdiqa.metrics.correlation import of_constant
from kdiqa.metrics.selection import MARK, marked
from kdiqa.report.grid import NONE, Grid, count, interval, number, probability

MEASURES = {
    "srcc": "SRCC",
    "plcc": "PLCC",
    "plcc_fit": "PLCC fit",
    "krcc": "KRCC",
    "rmse": "RMSE",
}
COLUMNS = [*MEASURES.values(), "images"]
P_VALUES = {"p_images": "p images", "p_steiger": "p Steiger", "p_runs": "p runs"}
OVER = ("runs", "images")  # what an interval is over
SIGNIFICANT = 0.05
CORRELATIONS = ("srcc", "plcc", "plcc_fit", "krcc")
CONSTANT = "constant"  # in place of a correlation of scores that do not differ
CHANGED = "Rows changed since the run:"


def results(variants: Mapping[str, Any], caption: str, from_rows: bool = True) -> Grid:
    """Returns the table of variants; a column in which there is nothing is left out.

    Args:
        variants: what :func:`kdiqa.report.variants.by_variant` returns.
        caption: what the table shows; a number of images that all variants share is added.
        from_rows: whether the reader may expect intervals over images.
    """
    base = baselines(variants)
    rows = {
        titled(name, row): _cells(row) | _difference(row, name in base)
        for name, row in variants.items()
    }
    head = list(next(iter(rows.values()), {"runs": ""}))
    cells = [[name, *row.values()] for name, row in rows.items()]
    grid = Grid(caption, head, cells, _notes(variants, from_rows)).filled()
    if "95 % over runs" not in grid.head and "SRCC mean" in grid.head:
        grid = grid.without("SRCC mean")
    images = {tuple(row["images"]) for row in variants.values()}
    if images == {()} or len(images) != 1:
        return grid
    return replace(grid.without("images"), caption=f"{caption}, {count(images.pop())} images")


def of_dataset(dataset: Mapping[str, Any]) -> Grid:
    """Returns the table of one of `datasets` of :func:`kdiqa.report.summary.summarized`."""
    grid = results(dataset["variants"], f"Agreement with the MOS on {dataset['dataset']}")
    return replace(grid, notes=[*grid.notes, *(f"{CHANGED} {text}" for text in dataset["faults"])])


def titled(name: str, row: Mapping[str, Any]) -> str:
    """Returns a variant's name, with what a reader must know of all its numbers."""
    changed = f" [{CHANGED.lower().rstrip(':')}]" if row.get("changed") else ""
    return marked(name, row["selected_on_test"]) + changed


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


def _notes(variants: Mapping[str, Any], from_rows: bool = True) -> list[str]:
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
    constant = {name: row["constant"] for name, row in variants.items() if row["constant"]}
    lines += [
        f"“{name}”: {count} of {variants[name]['runs']} runs predict a constant, which ranks nothing."
        for name, count in constant.items()
    ]
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


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    srcc, medians = row["measures"]["srcc"], {k: v["median"] for k, v in row["measures"].items()}
    if row["constant"] == row["runs"]:
        medians |= dict.fromkeys(CORRELATIONS, CONSTANT)
        srcc = {"median": CONSTANT, "mean": CONSTANT}
    return {
        "runs": str(row["runs"]),
        "SRCC": number(srcc["median"]),
        "SRCC mean": NONE if srcc.get("of") == "images" else number(srcc["mean"]),
        "± std": number(srcc.get("std")),
        **{f"95 % over {of}": interval(srcc, of) for of in OVER},
        **{name: number(medians.get(key)) for key, name in MEASURES.items() if key != "srcc"},
        "images": count(row["images"]),
    }


def _difference(row: Mapping[str, Any], is_baseline: bool) -> dict[str, str]:
    difference = row.get("difference") or {}
    p_values = {key: difference.get(f"{key}_holm") for key in P_VALUES}
    cell = number(difference.get("estimate"), sign=True)
    for key, mark in (("p_images", "*"), ("p_runs", "†")):
        p = p_values[key]
        cell += mark if p is not None and p < SIGNIFICANT else ""
    return {
        "Δ SRCC": cell if difference else "baseline" if is_baseline else NONE,
        **{f"Δ 95 % over {of}": interval(difference, of, sign=True) for of in OVER},
        **{P_VALUES[key]: probability(p) for key, p in p_values.items()},
    }


def published(dataset: Mapping[str, Any]) -> Grid | None:
    """Returns published numbers with ours above them, or None where there are none."""
    if not dataset["published"]:
        return None
    rows = []
    for name, row in dataset["variants"].items():
        medians = [number(row["measures"][key]["median"]) for key in ("srcc", "plcc")]
        title = f"ours: {titled(name, row)}"
        rows.append([title, *medians, "ours", "this report"])
    for row in dataset["published"]:
        name = f"{row['method']} ({row['note']})" if row["note"] else row["method"]
        cells = [marked(name, row["selected_on_test"]), number(row["srcc"]), number(row["plcc"])]
        rows.append([*cells, row["protocol"], row["source"]])
    head = ["SRCC", "PLCC", "protocol", "source"]
    note = f"“{MARK}”: the method’s public code keeps the epoch that is best on the test images."
    caption = f"Published numbers on {dataset['dataset']}"
    return Grid(caption, head, rows, [note], words=("protocol", "source"))


def table(results: Mapping[str, Mapping[str, float]], title: str = "") -> Table:
    """Returns the results of single runs as a table for the console.

    Args:
        results: for each name, what :func:`kdiqa.metrics.correlation.summarize` returns; what is
            missing is shown as a dash.
        title: printed above.
    """
    rows = [[name, *cells(metrics)] for name, metrics in results.items()]
    return Grid(title, COLUMNS, rows).console()


def cells(metrics: Mapping[str, Any]) -> list[str]:
    """Returns one run's cells of :data:`COLUMNS`."""
    images = NONE if metrics.get("n") is None else f"{metrics['n']:.0f}"
    if of_constant(metrics):
        metrics = {**metrics, **dict.fromkeys(CORRELATIONS, CONSTANT)}
    return [*(number(metrics.get(key)) for key in MEASURES), images]
