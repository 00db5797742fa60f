"""What the runs of a variant come to, and by how much variants differ: the numbers of every table.

An interval names what it is over (`of`): `images`, where the predictions of all runs are at hand
(BCa bootstrap, of the median), or `runs`, where only their numbers are (Student's, of the mean).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from kdiqa.metrics.breakdown import between, breakdown
from kdiqa.metrics.comparison import holm, steiger, wilcoxon
from kdiqa.metrics.correlation import of_constant
from kdiqa.metrics.resampling import Interval, weighted_plcc, weighted_srcc
from kdiqa.metrics.selection import chosen_on_test
from kdiqa.metrics.stored import aligned
from kdiqa.report.intervals import mean_difference, median_interval, over_runs
from kdiqa.report.runs import Tested

MEASURES = ("srcc", "plcc", "plcc_fit", "krcc", "rmse")
PARTS = ("distortion",)
Numbers = dict[str, Any]


def by_variant(tests: Sequence[Tested], against: Mapping[str, str]) -> Numbers:
    """Returns the numbers of each variant, with its difference to its baseline.

    Args:
        tests: Of all runs that one table shows.
        against: By variant, what it is compared with; variants that are not there are in no
            comparison.
    """
    groups: dict[str, list[Tested]] = {}
    for test in tests:
        groups.setdefault(test.variant, []).append(test)
    variants = {name: _variant(group) for name, group in groups.items()}
    for name, group in groups.items():
        if against.get(name) in groups:
            difference = _difference(_pairs(group, groups[against[name]]))
            variants[name]["difference"] = difference and difference | {"baseline": against[name]}
    _correct([row["difference"] for row in variants.values() if row.get("difference")])
    return variants


def spread(values: Sequence[float]) -> Numbers:
    """Returns median, extremes and mean, and of several values the standard deviation (n − 1)."""
    numbers = {"median": float(np.median(values)), "min": min(values), "max": max(values)}
    numbers["mean"] = float(np.mean(values))
    return numbers | ({"std": float(np.std(values, ddof=1))} if len(values) > 1 else {})


def _variant(tests: Sequence[Tested]) -> Numbers:
    values = {
        key: [test.metrics[key] for test in tests]
        for key in MEASURES
        if all(key in test.metrics for test in tests)
    }
    numbers: Numbers = {
        "runs": len(tests),
        "images": sorted({int(test.metrics["n"]) for test in tests if "n" in test.metrics}),
        "selected_on_test": any(chosen_on_test(test.results) for test in tests),
        "measures": {key: spread(column) for key, column in values.items()},
        "within": any(test.within for test in tests),
        "changed": any(test.faults for test in tests),
    }
    numbers["constant"] = sum(of_constant(test.metrics) for test in tests)
    tables = [test.rows for test in tests if test.rows is not None]
    if numbers["constant"]:
        return numbers  # resamples of what ranks nothing all agree: an interval would be 0 to 0
    if len(tables) == len(tests) and not numbers["within"]:
        for key, measure in (("srcc", weighted_srcc), ("plcc", weighted_plcc)):
            numbers["measures"][key] |= _over_images(median_interval(tables, measure))
        numbers["parts"] = {part: _parts(tables, part) for part in PARTS}
    else:
        for key, column in values.items():
            numbers["measures"][key] |= over_runs(column)
    return numbers


def _over_images(interval: Interval) -> Numbers:
    return {"low": interval.low, "high": interval.high, "of": "images"}


def _parts(tables: Sequence[pd.DataFrame], by: str) -> Numbers:
    """Returns the SRCC within each part of the test, over the runs; nothing where none is known."""
    if not all(by in table and table[by].notna().any() for table in tables):
        return {}
    values: dict[str, list[float]] = {}
    for table in tables:
        for part, srcc in breakdown(table, by)["srcc"].dropna().items():
            values.setdefault(str(part), []).append(float(srcc))
        values.setdefault(f"{by} alone", []).append(between(table, by))
    return {part: spread(group) | {"runs": len(group)} for part, group in values.items()}


def _pairs(
    tests: Sequence[Tested], baseline: Sequence[Tested]
) -> list[tuple[Tested, Tested, pd.DataFrame | None]]:
    """Returns the pairs of one split, seed and test images, with both runs' rows where known."""
    base = {test.repeat: test for test in baseline}
    pairs: list[tuple[Tested, Tested, pd.DataFrame | None]] = []
    for test in tests:
        other = base.get(test.repeat)
        if other is None:
            continue
        if test.rows is None or other.rows is None:
            known = test.results.get("data")
            if known is not None and known == other.results.get("data"):
                pairs.append((test, other, None))
        elif "id" in test.rows and "id" in other.rows:
            with suppress(ValueError):  # other images, or other labels of them
                pairs.append((test, other, aligned(test.rows, other.rows)))
    return pairs


def _difference(pairs: Sequence[tuple[Tested, Tested, pd.DataFrame | None]]) -> Numbers | None:
    """Returns the SRCC of the first of each pair less that of the second, the mean over pairs.

    `p_images` is of the bootstrap over images, `p_steiger` of Steiger's test of a single pair,
    `p_runs` of Wilcoxon's over the pairs.
    """
    if not pairs:
        return None
    mine, base = np.transpose([(a.metrics["srcc"], b.metrics["srcc"]) for a, b, _ in pairs])
    values = [float(value) for value in mine - base]
    numbers: Numbers = {"pairs": len(pairs), **spread(values), "wins": int(np.sum(mine > base))}
    numbers["estimate"] = numbers["mean"]
    if any(of_constant(test.metrics) for pair in pairs for test in pair[:2]):
        return numbers
    if len(pairs) > 1:
        numbers["p_runs"] = wilcoxon(mine, base)
    tables = [table for _, _, table in pairs if table is not None]
    if len(tables) < len(pairs) or any(test.within for test, _, _ in pairs):
        return numbers | over_runs(values)
    if len(tables) == 1:
        numbers["p_steiger"] = steiger(*tables[0][["score", "score_b", "mos"]].to_numpy().T)
    interval = mean_difference(tables)
    return numbers | _over_images(interval) | {"p_images": interval.p_value}


def _correct(differences: Sequence[Numbers]) -> None:
    """Adds each p-value corrected for the number of variants that are compared."""
    for key in ("p_images", "p_steiger", "p_runs"):
        tested = [row for row in differences if row.get(key) is not None]
        for row, p in zip(tested, holm([row[key] for row in tested]), strict=True):
            row[f"{key}_holm"] = p
