"""All numbers of a report, in plain values: its tables and its page are written from these."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import kdiqa
from kdiqa.report.intervals import SETTINGS
from kdiqa.report.published import published
from kdiqa.report.runs import RunError, Tested, trained_on
from kdiqa.report.variants import Numbers, by_variant

# Whose public code keeps the checkpoint of the best epoch on the test images.
CHOOSES_ON_TEST = ("AKD-IQA", "CVRKD-IQA", "DEIQT", "HyperIQA", "LoDa", "TReS")


def summarized(
    tests: Sequence[Tested],
    baseline: str | None = None,
    against: Mapping[str, str] | None = None,
) -> Numbers:
    """Returns what tests come to: by data set, and in it by variant.

    Args:
        tests: of all runs.
        baseline: the variant that all others are compared with.
        against: by variant, what it is compared with where `baseline` is None. Without both, it is
            the students that learn from no teacher, if they are one variant among others that distil.

    Raises:
        RunError: if there is no such variant.
    """
    names = list(dict.fromkeys(test.variant for test in tests))
    if baseline is not None and baseline not in names:
        raise RunError(f"No variant is called '{baseline}'. There are: {', '.join(names)}.")
    if baseline is None and not against:
        baseline = _without_teacher(tests)
    if baseline is not None:
        against = dict.fromkeys([name for name in names if name != baseline], baseline)
    datasets = dict.fromkeys(test.dataset for test in tests)
    numbers = {
        "kdiqa": kdiqa.__version__,
        "bootstrap": dict(SETTINGS),
        "datasets": [
            _dataset(name, [test for test in tests if test.dataset == name], against or {})
            for name in datasets
        ],
        "runs": [_run(test) for test in tests],
    }
    plain: Numbers = _plain(numbers)
    return plain


def _without_teacher(tests: Sequence[Tested]) -> str | None:
    """Returns the variant that is trained as the others are, but without a teacher."""

    def module(test: Tested) -> Any:
        return (test.config.get("module") or {}).get("_target_")

    students = {module(test) for test in tests if test.config.get("distill")}
    names = {
        test.variant
        for test in tests
        if test.config.get("distill") is False and module(test) in students
    }
    return names.pop() if len(names) == 1 else None


def _dataset(name: str, tests: Sequence[Tested], against: Mapping[str, str]) -> Numbers:
    sources = sorted({trained_on(test.config) or name for test in tests})
    theirs = [row for source in sources for row in _published(name, source)]
    return {"dataset": name, "variants": by_variant(tests, against), "published": theirs}


def _published(dataset: str, source: str) -> list[Numbers]:
    keys = ["method", "train", "srcc", "plcc", "protocol", "source", "note"]
    rows: list[Numbers] = published(dataset, source)[keys].to_dict("records")
    return [row | {"selected_on_test": row["method"] in CHOOSES_ON_TEST} for row in rows]


def _run(test: Tested) -> Numbers:
    """Returns one row of the table of runs, with where its numbers come from."""
    keys = ("split", "seed", "selected_on", "best_epoch", "epochs", "seconds")
    provenance = test.provenance
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
        "command": provenance.get("command"),
        "versions": provenance.get("versions"),
        "git": provenance.get("git"),
        "machine": provenance.get("machine"),
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
