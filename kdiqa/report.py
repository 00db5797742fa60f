"""Tables and pictures of finished runs, from the files that they left.

python -m kdiqa.report logs/train/runs/2026-01-31_12-00-00
kdiqa report logs/a logs/b --markdown
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from kdiqa import figures
from kdiqa.metrics.correlation import summarize
from kdiqa.metrics.scenes import summarize_within
from kdiqa.protocol import marked

COLUMNS = {
    "srcc": "SRCC",
    "plcc": "PLCC",
    "plcc_fit": "PLCC fit",
    "krcc": "KRCC",
    "rmse": "RMSE",
    "n": "images",
}


class RunError(Exception):
    """A run folder that cannot be reported on, and what to do about it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table of the runs named, draws their figures, and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="kdiqa report",
        description="Table and figures of finished runs, from the predictions that they stored.",
    )
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="a run folder, or a folder of runs"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--no-figures", action="store_true", help="leave the pictures as they are")
    parser.add_argument(
        "--within", action="store_true", help="the median over contents, as PIQ23's scenes need"
    )
    options = parser.parse_args(arguments)

    try:
        runs = find_runs(options.runs)
        results = {
            name: row
            for label, run in runs.items()
            for name, row in read(run, label, options.within).items()
        }
        print(markdown(results)) if options.markdown else Console().print(table(results))
        if not options.no_figures:
            for run in runs.values():
                print(f"{len(draw(run))} figures in {run / 'figures'}")
    except RunError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


def find_runs(folders: Sequence[Path]) -> dict[str, Path]:
    """Returns the finished runs in folders, each under the shortest name that tells it apart.

    Args:
        folders: run folders, or folders that hold runs at any depth.

    Raises:
        RunError: if a folder is absent or holds no run that was tested.
    """
    found: list[tuple[str, Path]] = []
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
        found += [(_name(run, folder), run) for run in runs]
    names = [name for name, _ in found]
    return {name if names.count(name) == 1 else str(run): run for name, run in found}


def read(run: Path, name: str, within: bool = False) -> dict[str, dict[str, float]]:
    """Returns the measures of each test table of a run, computed from its rows.

    Args:
        run: the run's folder.
        name: what the run is called; a table of another data set adds its name.
        within: measure within each content, and take the median over contents.

    Raises:
        RunError: if a table lacks a column or holds something that is not a number.
    """
    results = {}
    for file in sorted(run.glob("predictions/test*.csv")):
        dataset = file.stem.removeprefix("test").lstrip("_")
        try:
            rows = _rows(file)
            if within and "content" not in rows:
                raise ValueError("no column content, which --within needs. Leave --within out.")
            results[f"{name} on {dataset}" if dataset else name] = (
                summarize_within(rows["score"], rows["mos"], list(rows["content"]))
                if within
                else summarize(rows["score"], rows["mos"])
            )
        except ValueError as error:
            raise RunError(f"'{file}': {error}") from error
    return results


def draw(run: Path) -> list[Path]:
    """Returns the pictures drawn from what a run stored, as PNG files in its folder `figures`.

    What a run did not store is not drawn: a teacher has no weights of levels, a run that was not
    tested no scores.

    Args:
        run: the run's folder, with `metrics.csv` and `predictions/test*.csv`.
    """
    made: dict[str, Figure | None] = {}
    for file in sorted(run.glob("predictions/test*.csv")):
        name = file.stem.replace("test", "score_against_opinion", 1)
        made[name] = figures.score_against_opinion(_rows(file))
    if (run / "metrics.csv").is_file():
        metrics = pd.read_csv(run / "metrics.csv")
        made["level_weights"] = figures.level_weights(metrics)
        made["loss_terms"] = figures.loss_terms(metrics)

    paths = []
    for name, figure in made.items():
        if figure is not None:
            paths.append(run / "figures" / f"{name}.png")
            paths[-1].parent.mkdir(exist_ok=True)
            figure.savefig(paths[-1], dpi=150)
    return paths


def table(results: Mapping[str, Mapping[str, float]], title: str = "") -> Table:
    """Returns the results as a table for the console, a row a run.

    Args:
        results: for each name, what :func:`kdiqa.metrics.correlation.summarize` returns; what is
            missing is shown as a dash.
        title: printed above.
    """
    made = Table("", *COLUMNS.values(), title=title or None, title_justify="left")
    for column in made.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for name, row in results.items():
        made.add_row(name, *_cells(row))
    return made


def markdown(results: Mapping[str, Mapping[str, float]]) -> str:
    """Returns the results as a Markdown table, a row a run.

    Args:
        results: as for :func:`table`.

    Example:
        >>> print(markdown({"student": {"srcc": 0.8123, "n": 40}}))
        | | SRCC | PLCC | PLCC fit | KRCC | RMSE | images |
        |---|---:|---:|---:|---:|---:|---:|
        | student | 0.812 | – | – | – | – | 40 |
    """
    head = f"| | {' | '.join(COLUMNS.values())} |"
    rule = f"|---|{'---:|' * len(COLUMNS)}"
    rows = [f"| {name} | {' | '.join(_cells(row))} |" for name, row in results.items()]
    return "\n".join([head, rule, *rows])


def _name(run: Path, folder: Path) -> str:
    """Returns what a run calls itself, or where it lies in the folder that was asked for."""
    if (run / "results.json").is_file():
        made = json.loads((run / "results.json").read_text())
        return marked(str(made["name"]), made)
    return folder.resolve().name if run == folder else run.relative_to(folder).as_posix()


def _cells(row: Mapping[str, float]) -> list[str]:
    values = [row.get(name) for name in COLUMNS]
    return ["–" if value is None else f"{value:.3f}" for value in values[:-1]] + [
        "–" if values[-1] is None else f"{values[-1]:.0f}"
    ]


def _rows(file: Path) -> pd.DataFrame:
    rows = pd.read_csv(file)
    missing = [name for name in ("mos", "score") if name not in rows]
    if missing:
        raise ValueError(
            f"no column {' or '.join(missing)} among {list(rows)}. A run's own table has id, "
            "content, distortion, level, mos, score."
        )
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
