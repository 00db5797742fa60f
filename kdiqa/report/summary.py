"""All numbers of a report, in plain values: its tables and its page are written from these."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

import kdiqa
from kdiqa.metrics.resampling import LEVEL, NUM_RESAMPLES, SEED
from kdiqa.report.published import published
from kdiqa.report.runs import RunError, Tested, dataset_of
from kdiqa.report.variants import Numbers, by_variant

# Whose public code keeps the checkpoint of the best epoch on the test images.
CHOOSES_ON_TEST = ("AKD-IQA", "CVRKD-IQA", "DEIQT", "HyperIQA", "LoDa", "TReS")


def summarized(
    tests: Sequence[Tested],
    baseline: str | None = None,
    against: Mapping[str, str] | None = None,
) -> Numbers:
    """Returns what tests come to, in plain values: by data set, and in it by variant.

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
        "bootstrap": {"level": LEVEL, "num_resamples": NUM_RESAMPLES, "seed": SEED},
        "datasets": [
            _dataset(name, [test for test in tests if test.dataset == name], against or {})
            for name in datasets
        ],
        "runs": [_run(test) for test in tests],
    }
    # Plain values: no numbers of NumPy, no paths, null for what is not finite.
    text = json.dumps(numbers, default=lambda x: x.item() if isinstance(x, np.generic) else str(x))
    plain: Numbers = json.loads(text, parse_constant=lambda _: None)
    return plain


def _without_teacher(tests: Sequence[Tested]) -> str | None:
    """Returns the variant that is trained as the others are, but without a teacher."""
    modules = [(test.config.get("module") or {}).get("_target_") for test in tests]
    pairs = list(zip(tests, modules, strict=True))
    students = {module for test, module in pairs if test.config.get("distill")}
    names = {
        test.variant
        for test, module in pairs
        if test.config.get("distill") is False and module in students
    }
    return names.pop() if len(names) == 1 else None


def _dataset(name: str, tests: Sequence[Tested], against: Mapping[str, str]) -> Numbers:
    sources = sorted({dataset_of(test.config) or name for test in tests})
    theirs = pd.concat([published(name, source) for source in sources])
    theirs = theirs[["method", "train", "srcc", "plcc", "protocol", "source", "note"]]
    theirs["selected_on_test"] = theirs["method"].isin(CHOOSES_ON_TEST)
    rows = theirs.to_dict("records")
    faults = [f"{test.file}: {fault}." for test in tests for fault in test.faults]
    return {
        "dataset": name,
        "faults": faults,
        "variants": by_variant(tests, against),
        "published": rows,
    }


def _run(test: Tested) -> Numbers:
    """Returns one row of the table of runs, with where its numbers come from."""
    keys = ("split", "seed", "selected_on", "best_epoch", "epochs", "seconds")
    data = test.config.get("data") or {}
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
        "trained_on": dataset_of(test.config),
        **{key: data.get(key) for key in ("split_by", "ratios")},
        **{key: test.provenance.get(key) for key in ("command", "versions", "git", "machine")},
    }
