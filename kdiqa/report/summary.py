"""All numbers of a report, in plain values: its tables and its page are written from these."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

import kdiqa
from kdiqa.metrics.breakdown import breakdown
from kdiqa.metrics.comparison import holm, wilcoxon
from kdiqa.metrics.resampling import Interval, weighted_plcc, weighted_srcc
from kdiqa.metrics.selection import chosen_on_test
from kdiqa.metrics.stored import aligned
from kdiqa.report.intervals import SETTINGS, mean_difference, median_interval
from kdiqa.report.published import published
from kdiqa.report.runs import RunError, Tested, trained_on

MEASURES = ("srcc", "plcc", "plcc_fit", "krcc", "rmse")
PARTS = ("distortion",)
# Whose public code keeps the checkpoint of the best epoch on the test images.
CHOOSES_ON_TEST = ("AKD-IQA", "CVRKD-IQA", "DEIQT", "HyperIQA", "LoDa", "TReS")
Found = dict[str, Any]


def summarized(
    tests: Sequence[Tested],
    baseline: str | None = None,
    against: Mapping[str, str] | None = None,
) -> Found:
    """Returns what tests come to: by data set, and in it by variant.

    Args:
        tests: of all runs.
        baseline: the variant that all others are compared with.
        against: by variant, what it is compared with where `baseline` is None. Without both, it is
            the students that were trained alone, if they are one variant beside others that distil.

    Raises:
        RunError: if there is no such variant.
    """
    names = list(dict.fromkeys(test.variant for test in tests))
    if baseline is not None and baseline not in names:
        raise RunError(f"No variant is called '{baseline}'. There are: {', '.join(names)}.")
    if baseline is None and not against:
        baseline = _alone(tests)
    if baseline is not None:
        against = dict.fromkeys([name for name in names if name != baseline], baseline)
    datasets = dict.fromkeys(test.dataset for test in tests)
    made = {
        "kdiqa": kdiqa.__version__,
        "bootstrap": dict(SETTINGS),
        "datasets": [
            _dataset(name, [test for test in tests if test.dataset == name], against or {})
            for name in datasets
        ],
        "runs": [_run(test) for test in tests],
    }
    plain: Found = _plain(made)
    return plain


def _alone(tests: Sequence[Tested]) -> str | None:
    """Returns the variant that is trained as the others are, but without a teacher."""

    def module(test: Tested) -> Any:
        return (test.config.get("module") or {}).get("_target_")

    students = {module(test) for test in tests if test.config.get("distill")}
    alone = {
        test.variant
        for test in tests
        if test.config.get("distill") is False and module(test) in students
    }
    return alone.pop() if len(alone) == 1 else None


def _dataset(name: str, tests: Sequence[Tested], against: Mapping[str, str]) -> Found:
    groups: dict[str, list[Tested]] = {}
    for test in tests:
        groups.setdefault(test.variant, []).append(test)
    variants = {variant: _variant(group) for variant, group in groups.items()}
    _compare(variants, groups, against)
    sources = sorted({trained_on(test.config) or name for test in tests})
    theirs = [row for source in sources for row in _published(name, source)]
    return {"dataset": name, "variants": variants, "published": theirs}


def _published(dataset: str, source: str) -> list[Found]:
    keys = ["method", "train", "srcc", "plcc", "protocol", "source", "note"]
    rows: list[Found] = published(dataset, source)[keys].to_dict("records")
    return [row | {"selected_on_test": row["method"] in CHOOSES_ON_TEST} for row in rows]


def _variant(tests: Sequence[Tested]) -> Found:
    """Returns what the runs of a variant come to."""
    made: Found = {
        "runs": len(tests),
        "images": sorted({int(test.metrics["n"]) for test in tests if "n" in test.metrics}),
        "selected_on_test": any(chosen_on_test(test.results) for test in tests),
        "measures": {
            key: _spread([test.metrics[key] for test in tests])
            for key in MEASURES
            if all(key in test.metrics for test in tests)
        },
    }
    made["within"] = any(test.within for test in tests)
    tables = [test.rows for test in tests if test.rows is not None]
    if len(tables) == len(tests) and not made["within"]:
        for key, measure in (("srcc", weighted_srcc), ("plcc", weighted_plcc)):
            made["measures"][key] |= _bounds(median_interval(tables, measure))
        made["parts"] = {part: _parts(tests, part) for part in PARTS}
    return made


def _spread(values: Sequence[float]) -> Found:
    made: Found = {"median": float(np.median(values)), "min": min(values), "max": max(values)}
    made["mean"] = float(np.mean(values))
    if len(values) > 1:
        made["std"] = float(np.std(values, ddof=1))
    return made


def _bounds(interval: Interval) -> Found:
    return {"low": interval.low, "high": interval.high}


def _parts(tests: Sequence[Tested], by: str) -> Found:
    """Returns the SRCC within each part, over the runs; nothing where no part is known."""
    tables = [test.rows for test in tests if test.rows is not None]
    if not all(by in table and table[by].notna().any() for table in tables):
        return {}
    values: dict[str, list[float]] = {}
    for table in tables:
        for part, srcc in breakdown(table, by)["srcc"].dropna().items():
            values.setdefault(str(part), []).append(float(srcc))
    return {part: _spread(group) | {"runs": len(group)} for part, group in values.items()}


def _compare(
    variants: Found, groups: Mapping[str, Sequence[Tested]], against: Mapping[str, str]
) -> None:
    """Adds each variant's difference to its baseline, corrected for how many there are."""
    for name, group in groups.items():
        if against.get(name) in groups:
            base = {test.repeat: test for test in groups[against[name]]}
            pairs = [(test, base[test.repeat]) for test in group if test.repeat in base]
            difference = _difference(pairs)
            variants[name]["difference"] = difference and difference | {"baseline": against[name]}
    for key in ("p_images", "p_runs"):
        tested = {
            name: row["difference"][key]
            for name, row in variants.items()
            if row.get("difference") and row["difference"].get(key) is not None
        }
        for name, p in zip(tested, holm(list(tested.values())), strict=True):
            variants[name]["difference"][f"{key}_holm"] = p


def _difference(pairs: Sequence[tuple[Tested, Tested]]) -> Found | None:
    """Returns the SRCC of the first of each pair less that of the second.

    `low`, `high` and `p_images` are of the bootstrap over images; `p_runs` is Wilcoxon's over the
    pairs.
    """
    same = [(a, b) for a, b in pairs if _same_images(a, b)]
    if not same:
        return None
    values = [(a.metrics["srcc"], b.metrics["srcc"]) for a, b in same]
    made: Found = {
        "pairs": len(same),
        "estimate": float(np.mean([a - b for a, b in values])),
        "wins": sum(a > b for a, b in values),
    }
    if len(same) > 1:
        made["p_runs"] = wilcoxon(*np.transpose(values)).p_value
    tables = [table for a, b in same if (table := _beside(a, b)) is not None]
    if len(tables) == len(same) and not any(a.within for a, _ in same):
        interval = mean_difference(tables)
        return made | _bounds(interval) | {"p_images": interval.p_value}
    return made | _student([a - b for a, b in values])


def _student(values: Sequence[float]) -> Found:
    """Returns Student's interval of a mean over runs, where there are no images to draw from."""
    if len(values) < 2 or not np.std(values):
        return {}
    reach = stats.t.ppf((1 + SETTINGS["level"]) / 2, len(values) - 1) * stats.sem(values)
    mean = float(np.mean(values))
    return {"low": mean - float(reach), "high": mean + float(reach), "of": "runs"}


def _same_images(a: Tested, b: Tested) -> bool:
    if a.rows is None or b.rows is None:
        known = a.results.get("data")
        return known is not None and known == b.results.get("data")
    return _beside(a, b) is not None


def _beside(a: Tested, b: Tested) -> pd.DataFrame | None:
    """Returns both runs' scores image by image; None where they are not of the same images."""
    if a.rows is None or b.rows is None or "id" not in a.rows or "id" not in b.rows:
        return None
    try:
        return aligned(a.rows, b.rows)
    except ValueError:  # other images, or other opinions of them
        return None


def _run(test: Tested) -> Found:
    """Returns one row of the table of runs, with where its numbers come from."""
    keys = ("split", "seed", "selected_on", "best_epoch", "epochs", "seconds")
    told = test.provenance
    return {
        "variant": test.variant,
        "dataset": test.dataset,
        **{key: test.results.get(key) for key in keys},
        "parameters": test.results.get("trainable_parameters") or test.results.get("parameters"),
        "metrics": dict(test.metrics),
        "file": test.file,
        "folder": test.folder,
        "data": test.results.get("data"),
        "warnings": test.results.get("warnings", []),
        "trained_on": trained_on(test.config),
        "split_by": (test.config.get("data") or {}).get("split_by"),
        "ratios": (test.config.get("data") or {}).get("ratios"),
        "command": told.get("command"),
        "versions": told.get("versions"),
        "git": told.get("git"),
        "machine": told.get("machine"),
    }


def _plain(node: Any) -> Any:
    """Returns values that JSON can hold: no NaN, no paths, no numbers of NumPy."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_plain(value) for value in node]
    if isinstance(node, Path):
        return str(node)
    if isinstance(node, np.generic):
        return _plain(node.item())
    return None if isinstance(node, float) and not math.isfinite(node) else node
