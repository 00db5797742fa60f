"""The report as one page of HTML that needs nothing else: no scripts, no other files."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2
import pandas as pd

from kdiqa import figures
from kdiqa.metrics.correlation import of_constant
from kdiqa.metrics.selection import chosen_on_test, marked
from kdiqa.report import tables
from kdiqa.report.grid import NONE, Grid, count, interval, number
from kdiqa.report.inline import MAX_DOTS, InlineImage, chart, extremes
from kdiqa.report.runs import Tested


def page(
    numbers: Mapping[str, Any],
    tests: Sequence[Tested],
    command: Sequence[str],
    title: str,
    images: bool = True,
) -> str:
    """Returns the page.

    Args:
        numbers: What :func:`kdiqa.report.summary.summarized` returns; every number comes from it.
        tests: The tests they are of, for the images.
        command: What was typed.
        title: Of the page.
        images: Whether thumbnails of the data are shown; pages for others must do without where a
            licence forbids to pass images on.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kdiqa.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    sections = [_section(dataset, numbers, tests, images) for dataset in numbers["datasets"]]
    return environment.get_template("page.html").render(
        title=title,
        numbers=numbers,
        sections=sections,
        runs=_runs(numbers["runs"]),
        provenance=[_origin(run) for run in numbers["runs"]],
        command=shlex.join(command),
        file=next((run["file"] for run in numbers["runs"] if run["file"]), None),
        marked=any(chosen_on_test(run) for run in numbers["runs"]),
    )


def _section(
    dataset: Mapping[str, Any], numbers: Mapping[str, Any], tests: Sequence[Tested], images: bool
) -> dict[str, Any]:
    """Returns what the template shows of one data set."""
    name, variants = dataset["dataset"], dataset["variants"]
    runs = [run for run in numbers["runs"] if run["dataset"] == name]
    groups: dict[str, list[Tested]] = {variant: [] for variant in variants}
    for test in tests:
        if test.dataset == name:
            groups[test.variant].append(test)
    return {
        "name": name,
        "results": tables.of_dataset(dataset),
        "warnings": [
            *(f"{tables.CHANGED} {fault}" for fault in dataset["faults"]),
            *sorted({warning for run in runs for warning in run["warnings"]}),
        ],
        "forest": _forest(variants),
        "published": tables.published(dataset),
        "protocol": protocol(runs),
        "galleries": [
            _gallery(variant, variants[variant], group, images)
            for variant, group in groups.items()
            if any(test.rows is not None for test in group)
        ],
    }


def _forest(variants: Mapping[str, Any]) -> InlineImage | None:
    differences, baseline = tables.differences(variants)
    listed = "; ".join(
        f"{name} {number(row['estimate'], sign=True)} ({interval(row, sign=True)})"
        for name, row in differences.items()
    )
    caption = "Mean difference in SRCC to the baseline"
    if any(row.get("low") is not None for row in differences.values()):
        of_runs = any(row.get("of") == "runs" for row in differences.values())
        over = "runs (Student)" if of_runs else "images (bootstrap)"
        caption += f", with its 95 % interval over {over}. Filled: 0 lies outside"
    alt = f"Difference in SRCC to {baseline}: {listed}."
    return chart(figures.forest(differences, baseline), alt, f"{caption}.")


def _gallery(
    name: str, row: Mapping[str, Any], tests: Sequence[Tested], images: bool
) -> dict[str, Any]:
    """Returns the images of a variant's middle run by SRCC, the lower one of an even number."""
    ordered = sorted(tests, key=lambda test: test.metrics["srcc"])
    test = ordered[(len(ordered) - 1) // 2]
    split, seed = test.repeat
    described = tables.CONSTANT if of_constant(test.metrics) else number(test.metrics["srcc"])
    description = f"SRCC {described}."
    if test.repeat != (None, None):
        which = (
            f"The middle one of {len(tests)} runs by SRCC: split" if len(tests) > 1 else "Split"
        )
        description = f"{which} {split}, seed {seed}, {description}"
    best, worst = extremes(test) if images else ([], [])
    return {
        "title": marked(name, row["selected_on_test"]),
        "description": description,
        "charts": [image for image in _charts(name, row, test) if image is not None],
        "best": best,
        "worst": worst,
    }


def _charts(name: str, row: Mapping[str, Any], test: Tested) -> Iterator[InlineImage | None]:
    rows, metrics = test.rows, test.metrics
    assert rows is not None
    names = tables.MEASURES.items()
    agreement = ", ".join(f"{n} {number(metrics.get(key))}" for key, n in names if key != "krcc")
    yield chart(
        figures.score_against_opinion(rows, narrow=True),
        f"MOS over scores of {len(rows)} images by {name}, with the logistic fit.",
        f"Scores against MOS, {len(rows)} images: {agreement}.",
        pixels=len(rows) > MAX_DOTS,
    )
    several = ": median of the runs, and from the worst to the best" if row["runs"] > 1 else ""
    for part, values in row.get("parts", {}).items():
        medians = ", ".join(f"{key} {number(value['median'])}" for key, value in values.items())
        alt = f"SRCC of {name} by {part}: {medians}."
        yield chart(figures.parts(values, part), alt, f"SRCC within each {part}{several}.")
    if test.folder is None or not (test.folder / "metrics.csv").is_file():
        return
    logged = pd.read_csv(test.folder / "metrics.csv")
    yield chart(
        figures.level_heat_map(logged, narrow=True),
        f"Weight of each level in the distillation of {name}, over epochs.",
        "Weights of the levels in distillation, over epochs.",
    )
    yield chart(
        figures.loss_terms(logged, narrow=True),
        f"Terms of the training loss of {name} and its agreement on validation, over epochs.",
        "Learning curves, over epochs.",
    )


def protocol(runs: Sequence[Mapping[str, Any]]) -> str:
    """Returns in words how the runs on a data set were split and chosen."""
    images = sorted({run["metrics"]["n"] for run in runs if "n" in run["metrics"]})
    chosen = sorted({str(run["selected_on"]) for run in runs if run["selected_on"]})
    ratios = {tuple(run["ratios"]) for run in runs if run["ratios"]}
    trained = sorted({run["trained_on"] for run in runs if run["trained_on"]})
    parts = []
    for key in ("split", "seed"):
        number_of = len({run[key] for run in runs})
        parts.append(f"{number_of} {key}{'s' * (number_of != 1)}")
    if len(ratios) == 1:
        shares = "/".join(f"{share * 100:g}" for share in ratios.pop())
        parts.append(
            f"{shares} % for training, validation and test unless the data set has its own split"
        )
    if trained:
        parts.append(f"trained on {', '.join(trained)}")
    if images:
        parts.append(f"{count(images)} test images")
    if chosen:
        parts.append(f"checkpoint chosen by {', '.join(chosen)}")
    return "; ".join(parts) + "."


def _runs(runs: Sequence[Mapping[str, Any]]) -> Grid:
    head = ["data set", "split", "seed", *tables.COLUMNS, "best epoch", "minutes"]
    rows = []
    for run in runs:
        minutes = NONE if run["seconds"] is None else f"{run['seconds'] / 60:.1f}"
        title = [marked(run["variant"], chosen_on_test(run)), run["dataset"]]
        repeat = [_text(run["split"]), _text(run["seed"])]
        measures = tables.cells(run["metrics"])
        rows.append([*title, *repeat, *measures, _text(run["best_epoch"]), minutes])
    return Grid("All runs", head, rows)


def _text(value: Any) -> str:
    return NONE if value is None else str(value)


def _origin(run: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is known of where a run comes from, in words."""
    git, versions = run["git"] or {}, run["versions"] or {}
    commit = git.get("commit")
    split, seed = _text(run["split"]), _text(run["seed"])
    details = {
        "folder": run["folder"],
        "command": shlex.join(run["command"]) if run["command"] else None,
        "split and seed": f"{split}, {seed}",
        "digest of the data and its split": run["data"],
        "checkpoint chosen by": run["selected_on"],
        "trained parameters": f"{run['parameters']:,}" if run["parameters"] else None,
        "commit": f"{commit}{' and changes' if git.get('dirty') else ''}" if commit else None,
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "machine": ", ".join(str(value) for value in (run["machine"] or {}).values()),
    }
    title = f"{run['variant']} on {run['dataset']}, split {split}, seed {seed}"
    return {"title": title, "details": {key: value for key, value in details.items() if value}}
