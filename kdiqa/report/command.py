"""The command line of the report."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from kdiqa.report import tables
from kdiqa.report.draw import draw
from kdiqa.report.page import page
from kdiqa.report.runs import RunError, Tested, tracked
from kdiqa.report.studies import collect, page_folder
from kdiqa.report.summary import summarized

MAX_NAMES = 3  # in the title of a page
MANY = 10  # runs: each then has drawn its own figures when it ended


def parser() -> argparse.ArgumentParser:
    """Returns what the command understands."""
    command = argparse.ArgumentParser(
        prog="kdiqa report",
        description="Tables, figures and a page of finished runs, from the rows they stored.",
    )
    add = command.add_argument
    folders = "a run folder, a folder of runs, or a study"
    add("runs", nargs="+", type=Path, metavar="RUN_OR_STUDY", help=folders)
    page = "of the page; default: RUN/report.html"
    add("-o", "--output", type=Path, metavar="FILE", help=page)
    add("--baseline", metavar="VARIANT", help="what the others are compared with")
    within = "the median over contents, as PIQ23's scenes need"
    add("--within", action="store_true", help=within)
    add("--markdown", action="store_true", help="print Markdown, write no page")
    add("--latex", action="store_true", help="print LaTeX, write no page")
    add("--no-figures", action="store_true", help="leave RUN/figures as they are")
    add("--no-images", action="store_true", help="a page without thumbnails, to pass on")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Reports on the runs named, and returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(words)
    try:
        tests, against = collect(options.runs, options.within)
        numbers = summarized(tests, options.baseline, against)
        show(numbers, options)
        if not options.no_figures:
            draw_all(list(dict.fromkeys(test.folder for test in tests if test.folder)))
        if not (options.markdown or options.latex):
            output = options.output or page_folder(options.runs[0]) / "report.html"
            print(f"page: {write(output, numbers, tests, words, options)}")
    except RunError as error:
        print(f"kdiqa report: {error}", file=sys.stderr)
        return 1
    return 0


def draw_all(folders: Sequence[Path]) -> None:
    """Draws each run's figures again; of many runs, those of whoever has none yet."""
    if len(folders) > MANY:
        folders = [folder for folder in folders if not (folder / "figures").is_dir()]
    for folder in tracked(folders, "Figures"):
        paths = draw(folder)
        if len(folders) <= MANY:
            print(f"{len(paths)} figures in {folder / 'figures'}")


def show(numbers: Mapping[str, Any], options: argparse.Namespace) -> None:
    """Prints all tables in the format of the options; a console has no width for published ones."""
    console = Console()
    for dataset in numbers["datasets"]:
        own = tables.of_dataset(dataset)
        if options.latex or options.markdown:
            for grid in filter(None, (own, tables.published(dataset))):
                print(grid.latex() if options.latex else grid.markdown(), end="\n\n")
            continue
        console.print(own.console(console.width))
        for note in own.notes:
            console.print(note, style="dim", highlight=False)


def write(
    output: Path,
    numbers: Mapping[str, Any],
    tests: Sequence[Tested],
    words: Sequence[str],
    options: argparse.Namespace,
) -> Path:
    """Returns the page, written with its numbers next to it."""
    command = ["python", "-m", "kdiqa.report", *words]
    names = [folder.resolve().name for folder in options.runs]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    title = f"Report on {', '.join(names[:MAX_NAMES])}{more}"
    text = page(numbers, tests, command, title, images=not options.no_images)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    output.with_suffix(".json").write_text(json.dumps(numbers, indent=1) + "\n")
    return output
