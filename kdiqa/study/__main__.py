"""Runs a study: ``python -m kdiqa.study experiments/demo``."""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from kdiqa.config.differences import described
from kdiqa.files.atomic import write
from kdiqa.files.lock import JobLock
from kdiqa.report import outcome
from kdiqa.runtime.devices import visible
from kdiqa.study import state
from kdiqa.study.commands import check_roots, multiruns, own, where_data_lie
from kdiqa.study.live import Progress
from kdiqa.study.plan import Study, StudyError, read
from kdiqa.study.runner import Command, Runner, Task, is_done

REMEMBERED = "overrides.json"  # in the study's log folder
EPILOG = """examples:
  python -m kdiqa.study experiments/real_tid2013 root.tid2013=/data/tid2013
  python -m kdiqa.study experiments/real_tid2013 --dry-run
  python -m kdiqa.study experiments/six_datasets --jobs 4 --only akd

Start the same command again whenever it was cut short: what is finished is not run again."""


def parser() -> argparse.ArgumentParser:
    """Returns what the command understands."""
    command = argparse.ArgumentParser(
        prog="kdiqa study",
        description="Runs all jobs of a study and writes their table; resumable at any point.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("study", type=Path, metavar="STUDY", help="a folder with study.yaml")
    overrides = "root.NAME=FOLDER, or overrides of every job; remembered until others are given"
    add("words", nargs="*", metavar="KEY=VALUE", help=overrides)
    add("--jobs", type=int, default=1, metavar="N", help="at once (1)")
    add("--limit", type=int, metavar="N", help="start no more than N jobs now")
    add("--only", nargs="+", metavar="VARIANT", help="these variants alone")
    add("--logs", type=Path, metavar="FOLDER", help="default: logs/study/NAME")
    add("--dry-run", action="store_true", help="list the jobs and their commands")
    multirun = "print it as commands of Hydra's --multirun"
    add("--print-multirun", action="store_true", help=multirun)
    return command


def main(arguments: Sequence[str] | None = None, command: Command = own) -> int:
    """Runs a study; returns 0, or 1 when a job failed, 2 for a wrong command, 130 after Ctrl-C.

    Args:
        arguments: Of the command line.
        command: Makes a job's command line; tests put a quick one in its place.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_intermixed_args(words)
    console = Console()
    logs = options.logs or Path("logs", "study", options.study.resolve().name)
    try:
        extra = remembered(logs, options.words, console)
        study = read(options.study, without_roots(extra))
        roots = where_data_lie(study, extra)
        chosen = selected(study, options.only)
        if options.print_multirun:
            print("\n".join(multiruns(chosen, logs, roots)))
            return 0
        if not options.dry_run:
            check_roots(chosen, roots)
        tasks = planned(chosen, logs, roots, console)
    except StudyError as error:
        print(f"kdiqa study: {error}", file=sys.stderr)
        return 2
    if options.dry_run:
        for task in tasks:
            print(f"# {task.state}: {task.job.title}\n{shlex.join(command(task))}")
        return 0
    write(logs / REMEMBERED, json.dumps(extra) + "\n")
    cuda = visible() if options.jobs > 1 else ()
    at_once = max(1, options.jobs)
    runner = Runner(tasks, command, at_once, options.limit, cuda, study.threads, logs / "replaced")
    try:
        with Progress(tasks, at_once, console) as progress:
            runner.run(progress)
    except KeyboardInterrupt:
        typed = shlex.join(["python", "-m", "kdiqa.study", *words])
        print(f"\nInterrupted. Continue with:\n  {typed}", file=sys.stderr)
        return 130
    return concluded(study, tasks, logs, extra, console)


def planned(study: Study, logs: Path, roots: dict[str, str], console: Console) -> list[Task]:
    """Returns the jobs as tasks, those that are finished marked, and says what has changed."""
    compositions = state.compositions(study.variants.values())
    tasks: dict[Path, Task] = {}
    for job in study.jobs():
        config = compositions[job.variant.name] | {"split": job.split, "seed": job.seed}
        path = logs / "locks" / f"{str(job.subfolder).replace('/', '-')}.json"
        lock = JobLock(path, logs / "locks/all")
        tasks[job.subfolder] = Task(job, logs / job.subfolder, config, lock, roots=roots)
    again: set[str] = set()
    for task in tasks.values():
        teacher = study.teacher_of(task.job)
        if teacher is not None:
            task.teacher = tasks[teacher.subfolder]
            task.teacher.students.append(task)
        different = state.changes(task.folder, task.config)
        task.stale = bool(different) or (task.teacher is not None and task.teacher.stale)
        if task.stale and task.job.variant.name not in again:
            again.add(task.job.variant.name)
            why = described(different) or "its teacher changed"
            line = f"{task.job.variant.name} runs again: {why}"
            console.print(line, highlight=False, markup=False)
        if is_done(task):
            task.state = "done"
    return list(tasks.values())


def selected(study: Study, only: Sequence[str] | None) -> Study:
    """Returns the study with some of its variants, and the teachers they need."""
    if only is None:
        return study
    unknown = [name for name in only if name not in study.variants]
    if unknown:
        raise StudyError(
            f"'{study.name}' has no variant '{unknown[0]}'. It has: {', '.join(study.variants)}."
        )
    wanted = {*only, *(study.variants[name].teacher for name in only)}
    variants = {name: variant for name, variant in study.variants.items() if name in wanted}
    return replace(study, variants=variants)


def without_roots(words: Sequence[str]) -> list[str]:
    """Returns the overrides that go to every job, as they are."""
    wrong = [word for word in words if "=" not in word]
    if wrong:
        raise StudyError(f"'{wrong[0]}' is no override. Type KEY=VALUE, or see --help.")
    return [word for word in words if not word.startswith(("root.", "data.root="))]


def remembered(logs: Path, words: Sequence[str], console: Console) -> list[str]:
    """Returns the overrides given now, or those of the last time when there are none."""
    path = logs / REMEMBERED
    if words or not path.is_file():
        return list(words)
    known: list[str] = json.loads(path.read_text())
    if known:
        line = f"As the last time, with: {shlex.join(known)}"
        console.print(line, highlight=False, markup=False)
    return known


def concluded(
    study: Study, tasks: Sequence[Task], logs: Path, extra: Sequence[str], console: Console
) -> int:
    """Writes and prints the table, and the failures; returns the exit code.

    The log folder always gets the table so far; the study's own folder only the whole one.
    """
    finished = [task for task in tasks if task.state == "done"]
    runs = [(task.job, results) for task in finished if (results := state.results(task.folder))]
    numbers = outcome.collected(study, runs, extra)
    files = written(numbers, logs, readme=False)
    if numbers["finished"] == len(study.jobs()):
        files = written(numbers, study.folder, readme=True)
    print(outcome.table(numbers).markdown())
    print(f"Written to {' and '.join(str(file) for file in files)}")
    failed = [task for task in tasks if task.state == "failed"]
    for task in failed:
        console.rule(f"[red]failed: {escape(task.job.title)}")
        print(f"{task.tail()}\nThe whole log: {task.log}")
    for task in tasks:
        if task.state == "blocked" and task.teacher is not None:
            print(f"not run: {task.job.title}, as its teacher failed: {task.teacher.job.title}")
    waiting = sum(task.state == "waiting" for task in tasks)
    if waiting:
        print(f"{waiting} jobs are left. Start the same command again to go on.")
    return 1 if failed else 0


def written(numbers: dict[str, Any], folder: Path, readme: bool) -> list[Path]:
    """Writes ``results.json``, the table and the figure of differences; returns the files.

    Args:
        numbers: What :func:`kdiqa.report.outcome.collected` returns.
        folder: Where to.
        readme: Whether the table goes between the markers of the folder's README, where it has
            them; otherwise it is ``results.md``.
    """
    path, text = folder / "README.md", outcome.table(numbers).markdown()
    page = outcome.inserted(path.read_text(), text) if readme and path.is_file() else None
    if page is None:
        path, page = folder / "results.md", text + "\n"
    files = {folder / "results.json": json.dumps(numbers, indent=1) + "\n", path: page}
    for file, content in files.items():
        write(file, content)
    figure = outcome.figure(numbers)
    if figure is None:
        return list(files)
    drawn = folder / "figures" / "differences.png"
    drawn.parent.mkdir(exist_ok=True)
    figure.savefig(drawn, dpi=150)
    return [*files, drawn]


if __name__ == "__main__":
    raise SystemExit(main())
