"""Finished runs: their folders, and what they stored."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import track

from kdiqa.metrics import seals
from kdiqa.metrics.breakdown import summarize_within
from kdiqa.metrics.correlation import summarize
from kdiqa.metrics.selection import chosen_on_test, marked
from kdiqa.metrics.stored import read_rows
from kdiqa.report.results import results_of
from kdiqa.study.plan import plain_yaml


class RunError(Exception):
    """A run folder that cannot be reported on, and what to do about it."""


@dataclass(frozen=True)
class Tested:
    """One run on one data set; file, folder and rows are None where only its numbers are left."""

    variant: str  # what is compared; runs of one variant differ in split and seed
    dataset: str  # what it was tested on
    metrics: Mapping[str, float]  # as kdiqa.metrics.correlation.summarize returns them
    file: Path | None = None  # the table of predictions
    folder: Path | None = None  # the run's
    rows: pd.DataFrame | None = None  # the predictions
    results: Mapping[str, Any] = field(default_factory=dict)  # what results.json holds
    config: Mapping[str, Any] = field(default_factory=dict)  # as it was resolved
    provenance: Mapping[str, Any] = field(default_factory=dict)  # command, versions, machine
    faults: Sequence[str] = ()  # in what its rows are not those that the run stored
    within: bool = False  # metrics are medians over contents, without intervals over images

    @property
    def repeat(self) -> tuple[Any, Any]:
        """Split and seed: runs of two variants are compared where they share both."""
        return self.results.get("split"), self.results.get("seed")


def find_runs(folders: Sequence[Path]) -> dict[str, Path]:
    """Returns the finished runs in folders, each under the shortest name that is its own.

    Args:
        folders: run folders, or folders that hold runs at any depth.

    Raises:
        RunError: if a folder is absent or holds no run that was tested.
    """
    named: list[tuple[str, Path]] = []
    for folder in folders:
        if not folder.is_dir():
            raise RunError(
                f"No run folder at '{folder}'. A run prints where it is; "
                "list them with: ls -d logs/*/runs/*"
            )
        runs = sorted({file.parent.parent for file in folder.rglob("predictions/test*.csv")})
        if not runs:
            raise RunError(
                f"No predictions/test*.csv below '{folder}': its run is not over, or was not "
                "tested. Let it end, or start it again with the command it was started with."
            )
        named += [(_name(run, folder), run) for run in runs]
    counts = Counter(name for name, _ in named)
    return {name if counts[name] == 1 else str(run): run for name, run in named}


def tracked(folders: Sequence[Path], what: str) -> Iterable[Path]:
    """Yields folders with a progress bar, where there is a terminal to show it."""
    console = Console(stderr=True)
    return track(folders, what, console=console, transient=True, disable=not console.is_terminal)


def read_tests(runs: Mapping[str, Path], within: bool = False) -> list[Tested]:
    """Returns every test of every run, runs that call themselves alike as one variant.

    Args:
        runs: as :func:`find_runs` returns them.
        within: measure within each content, and take the median over contents.

    Raises:
        RunError: if a table lacks a column or holds something that is not a number.
    """
    each = tracked(list(runs.values()), "Reading runs")
    tests = [(run, test) for run in each for test in _tests(run, within)]
    counts = Counter((test.variant, test.dataset, test.repeat) for _, test in tests)
    # The same split and seed twice: they differ in nothing but their folders.
    unclear = {variant for (variant, _, _), count in counts.items() if count > 1}
    above = os.path.commonpath([run.resolve() for run in runs.values()]) if runs else ""
    return [
        replace(test, variant=os.path.relpath(run.resolve(), above))
        if test.variant in unclear
        else test
        for run, test in tests
    ]


def _tests(run: Path, within: bool) -> list[Tested]:
    """Returns the tests in a folder: of a run, or an evaluation of a run by `kdiqa evaluate`."""
    results = _results(run)
    trained = Path(results.get("run", run))
    config = _config(trained / "config_resolved.yaml")
    provenance = _results(trained, "provenance.json")
    name, other = str(results.get("name", run.name)), None
    if "run" in results:
        name, _, other = name.rpartition(" on ")
    usual = other or dataset_of(config, "test_on") or "test"
    tests = []
    for file in sorted(run.glob("predictions/test*.csv")):
        rows, metrics = _measured(file, within)
        dataset = file.stem.removeprefix("test").lstrip("_") or usual
        tests.append(
            Tested(
                *(name, dataset, metrics, file, run, rows, results, config, provenance),
                *(faults_of(file, results), within),
            )
        )
    return tests


def faults_of(file: Path, results: Mapping[str, Any]) -> list[str]:
    """Returns in what a table is not the one that its run stored; a table of one's own is trusted."""
    known = (results.get("rows") or {}).get(file.stem)
    if known is None:
        return []
    seal = file.with_suffix(seals.SUFFIX)
    sealed = seal.read_text(encoding="utf-8") if seal.is_file() else None
    return seals.faults(file.read_text(encoding="utf-8"), sealed, known)


def dataset_of(config: Mapping[str, Any], role: str = "train_on") -> str | None:
    """Returns the name of the data set of a configuration, of two that for training.

    Example:
        >>> dataset_of({"data": {"_target_": "kdiqa.data.readers.tid2013.TID2013"}})
        'tid2013'
    """
    data = config.get("data") or {}
    target = (data.get(role) or data).get("_target_")  # of two data sets, or of one
    return str(target).split(".")[-2] if target and "." in target else None


def _measured(file: Path, within: bool) -> tuple[pd.DataFrame, dict[str, float]]:
    try:
        rows = read_rows(file)
        if not within:
            return rows, summarize(rows["score"], rows["mos"])
        if "content" not in rows:
            raise ValueError("no column content, which --within needs. Leave --within out.")
        return rows, summarize_within(rows)
    except ValueError as error:
        raise RunError(f"'{file}': {error}") from error


def _name(run: Path, folder: Path) -> str:
    """Returns what a run calls itself, or where it lies in the folder that was given."""
    if (run / "results.json").is_file():
        results = _results(run)
        return marked(str(results.get("name", run.name)), chosen_on_test(results))
    return folder.resolve().name if run == folder else run.relative_to(folder).as_posix()


def _results(folder: Path, file: str = "results.json") -> dict[str, Any]:
    try:
        return results_of(folder, file)
    except ValueError as error:
        raise RunError(str(error)) from error


def _config(path: Path) -> dict[str, Any]:
    """Returns a run's configuration, of which the report reads the data's node alone."""
    try:
        config = plain_yaml(path) if path.is_file() else {}
        data = config.get("data") or {}
        nodes = [data, *(data.get(role) or {} for role in ("train_on", "test_on"))]
        if not all(isinstance(node.get("_target_", ""), str) for node in nodes):
            raise TypeError("a _target_ is no text")
        return config  # type: ignore[no-any-return]
    except (ValueError, TypeError, AttributeError) as error:
        raise RunError(f"'{path}' is no configuration of a run: {error}") from error
