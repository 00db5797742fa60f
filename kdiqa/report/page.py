"""The report as one page of HTML that needs nothing else: no scripts, no other files."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jinja2
import pandas as pd

from kdiqa import figures
from kdiqa.report import tables
from kdiqa.report.grid import Grid, count, interval, number
from kdiqa.report.inline import MAX_DOTS, InlineImage, chart, extremes
from kdiqa.report.runs import Tested
from kdiqa.report.tables import marked


@dataclass
class Gallery:
    """What is shown of one variant on one data set: its middle run by SRCC."""

    name: str
    title: str
    description: str
    charts: list[InlineImage] = field(default_factory=list)
    best: list[InlineImage] = field(default_factory=list)
    worst: list[InlineImage] = field(default_factory=list)


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
        marked=any(
            row["selected_on_test"] for d in numbers["datasets"] for row in d["variants"].values()
        ),
    )


def _section(
    dataset: Mapping[str, Any], numbers: Mapping[str, Any], tests: Sequence[Tested], images: bool
) -> dict[str, Any]:
    """Returns what the template shows of one data set."""
    name, variants = dataset["dataset"], dataset["variants"]
    mine = [test for test in tests if test.dataset == name]
    return {
        "name": name,
        "results": tables.of_dataset(dataset),
        "warnings": sorted(
            {w for run in numbers["runs"] if run["dataset"] == name for w in run["warnings"]}
        ),
        "forest": _forest(variants),
        "published": tables.published(dataset),
        "protocol": protocol([run for run in numbers["runs"] if run["dataset"] == name]),
        "galleries": [
            _gallery(variant, row, [t for t in mine if t.variant == variant], images)
            for variant, row in variants.items()
            if any(t.variant == variant and t.rows is not None for t in mine)
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


def _gallery(name: str, row: Mapping[str, Any], tests: Sequence[Tested], images: bool) -> Gallery:
    """Returns the images of a variant's middle run by SRCC, the lower one of an even number."""
    ordered = sorted(tests, key=lambda test: test.metrics["srcc"])
    test = ordered[(len(ordered) - 1) // 2]
    assert test.rows is not None
    split, seed = test.repeat
    which = f"The middle one of {len(tests)} runs by SRCC: split " if len(tests) > 1 else ""
    description = f"{which or 'Split '}{split}, seed {seed}, SRCC {number(test.metrics['srcc'])}."
    if test.repeat == (None, None):
        description = f"SRCC {number(test.metrics['srcc'])}."
    gallery = Gallery(name, marked(name, row["selected_on_test"]), description)
    gallery.charts = [image for image in _charts(name, row, test) if image is not None]
    if images:
        gallery.best, gallery.worst = extremes(test)
    return gallery


def _charts(name: str, row: Mapping[str, Any], test: Tested) -> list[InlineImage | None]:
    rows, metrics = test.rows, test.metrics
    assert rows is not None
    agreement = ", ".join(
        f"{tables.COLUMNS[key]} {number(metrics.get(key))}"
        for key in ("srcc", "plcc", "plcc_fit", "rmse")
    )
    several = ": median of the runs, and from the worst to the best" if row["runs"] > 1 else ""
    images = [
        chart(
            figures.score_against_opinion(rows, narrow=True),
            f"MOS over scores of {len(rows)} images by {name}, with the logistic fit.",
            f"Scores against MOS, {len(rows)} images: {agreement}.",
            pixels=len(rows) > MAX_DOTS,
        )
    ]
    for part, values in row.get("parts", {}).items():
        medians = ", ".join(f"{key} {number(value['median'])}" for key, value in values.items())
        bars = figures.parts(values, part)
        caption = f"SRCC within each {part}{several}."
        images.append(chart(bars, f"SRCC of {name} by {part}: {medians}.", caption))
    path = test.folder / "metrics.csv" if test.folder else None
    if path is None or not path.is_file():
        return images
    metrics_csv = pd.read_csv(path)
    alt = f"Weight of each level in the distillation of {name}, over epochs."
    weights = figures.level_heat_map(metrics_csv, narrow=True)
    images.append(chart(weights, alt, "Weights of the levels in distillation, over epochs."))
    alt = f"Terms of the training loss of {name} and its agreement on validation, over epochs."
    curves = figures.loss_terms(metrics_csv, narrow=True)
    images.append(chart(curves, alt, "Learning curves, over epochs."))
    return images


def protocol(runs: Sequence[Mapping[str, Any]]) -> str:
    """Returns in words how the runs on a data set were split and chosen."""
    images = sorted({run["metrics"]["n"] for run in runs if "n" in run["metrics"]})
    chosen = sorted({str(run["selected_on"]) for run in runs if run["selected_on"]})
    ratios = {tuple(run["ratios"]) for run in runs if run["ratios"]}
    parts = [_counted("split", runs), _counted("seed", runs)]
    if len(ratios) == 1:
        shares = "/".join(f"{share * 100:g}" for share in ratios.pop())
        parts.append(
            f"{shares} % for training, validation and test unless the data set has its own split"
        )
    trained = {run["trained_on"] for run in runs if run["trained_on"]}
    if trained:
        parts.append(f"trained on {', '.join(sorted(trained))}")
    if images:
        parts.append(f"{count(images)} test images")
    if chosen:
        parts.append(f"checkpoint chosen by {', '.join(chosen)}")
    return "; ".join(parts) + "."


def _counted(key: str, runs: Sequence[Mapping[str, Any]]) -> str:
    number_of = len({run[key] for run in runs})
    return f"{number_of} {key}{'s' if number_of != 1 else ''}"


def _runs(runs: Sequence[Mapping[str, Any]]) -> Grid:
    head = ["data set", "split", "seed", *tables.COLUMNS.values(), "best epoch", "minutes"]
    rows = []
    for run in runs:
        on_test = str(run["selected_on"] or "").startswith("test/")
        metrics = run["metrics"]
        cells = [
            marked(run["variant"], on_test),
            run["dataset"],
            *map(_text, (run["split"], run["seed"])),
        ]
        cells += [number(metrics.get(key)) for key in list(tables.COLUMNS)[:-1]]
        cells += [_text(metrics.get("n")), _text(run["best_epoch"])]
        cells.append("–" if run["seconds"] is None else f"{run['seconds'] / 60:.1f}")
        rows.append(cells)
    return Grid("All runs", head, rows)


def _text(value: Any) -> str:
    return "–" if value is None else str(value)


def _origin(run: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is known of where a run comes from, in words."""
    git, versions = run["git"] or {}, run["versions"] or {}
    commit = git.get("commit")
    details = {
        "folder": run["folder"],
        "command": shlex.join(run["command"]) if run["command"] else None,
        "split and seed": f"{_text(run['split'])}, {_text(run['seed'])}",
        "digest of the data and its split": run["data"],
        "checkpoint chosen by": run["selected_on"],
        "trained parameters": f"{run['parameters']:,}" if run["parameters"] else None,
        "commit": f"{commit}{' and changes' if git.get('dirty') else ''}" if commit else None,
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "machine": ", ".join(str(value) for value in (run["machine"] or {}).values()),
    }
    split, seed = _text(run["split"]), _text(run["seed"])
    title = f"{run['variant']} on {run['dataset']}, split {split}, seed {seed}"
    return {"title": title, "details": {key: value for key, value in details.items() if value}}
