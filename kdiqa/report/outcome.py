"""The outcome of a study: what ``results.json`` holds of it, its table, and its figure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from kdiqa import figures
from kdiqa.report import tables
from kdiqa.report.grid import Grid
from kdiqa.report.runs import Tested
from kdiqa.report.variants import MEASURES, Numbers, by_variant
from kdiqa.study.plan import Job, Study

BEGIN = "<!-- results: written by python -m kdiqa.study -->"
END = "<!-- end of results -->"
STORED = ("selected_on", "best_epoch", "epochs", "data", "seconds")


def collected(
    study: Study, runs: Sequence[tuple[Job, Mapping[str, Any]]], overrides: Sequence[str] = ()
) -> Numbers:
    """Returns what ``results.json`` holds of a study so far, in plain values.

    ``jobs`` has each finished run's test metrics; ``variants`` what they come to over splits and
    seeds; ``comparisons`` each variant's differences to its baseline, pair by pair: the same split,
    the same seed. All intervals are over runs.

    Args:
        study: The study.
        runs: Its finished jobs, each with the ``results.json`` of its run.
        overrides: Given with it; where data lie is left out.
    """
    jobs = [_job(job, results) for job, results in runs]
    baselines = {v.name: v.baseline for v in study.variants.values() if v.baseline is not None}
    numbers = by_variant(_tests(jobs), baselines)
    return {
        "study": study.name,
        "overrides": [word for word in overrides if "root" not in word.split("=")[0]],
        "finished": len(jobs),
        "planned": len(study.jobs()),
        "baseline": study.baseline,
        "variants": {name: _measures(numbers.get(name)) for name in study.variants},
        "comparisons": {
            name: _comparison(row["difference"])
            for name, row in numbers.items()
            if row.get("difference")
        },
        "jobs": jobs,
    }


def table(outcome: Mapping[str, Any]) -> Grid:
    """Returns the table of a study, from what its ``results.json`` holds."""
    numbers = _numbers(outcome)
    finished, planned = outcome["finished"], outcome["planned"]
    notes = f"{'All' if finished == planned else f'{finished} of {planned}'} jobs."
    if waiting := [name for name in outcome["variants"] if name not in numbers]:
        notes += f" None finished of: {', '.join(waiting)}."
    if outcome["overrides"]:
        notes += f" Run with: `{' '.join(outcome['overrides'])}`."
    grid = tables.results(numbers, outcome["study"], from_rows=False)
    return replace(grid, notes=[f"{notes} {grid.notes[0]}", *grid.notes[1:]])


def figure(outcome: Mapping[str, Any]) -> Figure | None:
    """Returns each variant's difference to its baseline, with its interval; None without any."""
    return figures.forest(*tables.differences(_numbers(outcome)))


def inserted(page: str, table: str) -> str | None:
    """Returns a page with a table between its markers; None where it has none."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return f"{head}{begin}\n{table}\n{end}{tail}" if end else None


def _numbers(outcome: Mapping[str, Any]) -> Numbers:
    baselines = {name: row["baseline"] for name, row in outcome["comparisons"].items()}
    numbers = by_variant(_tests(outcome["jobs"]), baselines)
    return {name: numbers[name] for name in outcome["variants"] if name in numbers}


def _tests(jobs: Sequence[Mapping[str, Any]]) -> list[Tested]:
    return [Tested(job["variant"], "", job["metrics"], results=job) for job in jobs]


def _job(job: Job, results: Mapping[str, Any]) -> Numbers:
    own = {"variant": job.variant.name, "split": job.split, "seed": job.seed}
    stored = {key: results.get(key) for key in STORED}
    parameters = {"parameters": results.get("trainable_parameters")}
    return own | stored | parameters | {"metrics": results["metrics"]["test"]}


def _measures(variant: Numbers | None) -> Numbers:
    measures = variant["measures"] if variant else {}
    numbers = {key: _spread(measures[key]) if key in measures else None for key in MEASURES}
    return numbers | {"runs": variant["runs"] if variant else 0}


def _comparison(difference: Mapping[str, Any]) -> Numbers:
    numbers = {key: difference[key] for key in ("baseline", "pairs")} | _spread(difference)
    numbers |= {"wins": difference["wins"], "p": difference.get("p_runs")}
    corrected = difference.get("p_runs_holm")
    return numbers if corrected is None else numbers | {"p_holm": corrected}


def _spread(row: Mapping[str, Any]) -> Numbers:
    """Returns what is stored of a measure; the deviation of a single run is 0."""
    numbers = {key: row.get(key, 0.0) for key in ("median", "mean", "std")}
    return numbers | {key: row[key] for key in ("low", "high") if key in row}
