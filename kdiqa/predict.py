"""Scores images: ``python -m kdiqa.predict photos -o scores.csv``."""

import argparse
import csv
import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from PIL import Image as Pillow
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from kdiqa.bundled import CARD
from kdiqa.data.images.pillow import MAX_PIXELS
from kdiqa.files.atomic import FULL, NoSpaceError, write
from kdiqa.files.lock import table_lock
from kdiqa.runtime.devices import auto_device
from kdiqa.runtime.errors import require
from kdiqa.runtime.malloc import keep_freed_memory
from kdiqa.runtime.quiet import quiet
from kdiqa.scorer.inputs import find
from kdiqa.scorer.predictor import Predictor
from kdiqa.scorer.rows import Row, State, Table
from kdiqa.scorer.scorer import load
from kdiqa.scorer.sheet import draw

# Exit codes; 2 is argparse's, for wrong usage.
NO_ROOM, SOME_BROKEN, INTERRUPTED, PIPE_CLOSED = 1, 3, 130, 141
LISTED = 20
EPILOG = """exit codes: 0 all scored; 3 all tried, some could not be read (listed, and in the table
with the reason; the next run tries them again); 2 wrong usage; 1 no room on the disk; 130
interrupted. The same command goes on where one stopped."""


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    command = argparse.ArgumentParser(
        "kdiqa predict",
        description="Score images: nominally in [0, 1], not clipped, higher is better.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,  # the card keeps its lines
    )
    add = command.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="files, folders, quoted patterns, lists (.txt, "
        "a path a line), or - for a list from standard input")  # fmt: skip
    add(
        "--model",
        metavar="CKPT",
        help="a student's run folder or checkpoint; default: the small student that is bundled",
    )
    add("--pool", metavar="FOLDER", help="the references of its bank, where they were moved")
    add("--allow", action="append", default=[], metavar="PACKAGE", help="a package of yours whose"
        " classes the model's file may build")  # fmt: skip
    add("--card", action="version", version=CARD.read_text(encoding="utf-8"),
        help="print what the bundled student learnt from, and where it fails")  # fmt: skip
    add("--seed-by", choices=("content", "name"), default="content", help="what crops and "
        "re-distortions are drawn by; name: as the run itself drew them, default %(default)s")  # fmt: skip
    add("-o", "--output", type=Path, metavar="CSV", help="default: standard output")
    add("--json", action="store_true", help="JSON lines to standard output")
    add("--sheet", type=Path, metavar="PNG", help="also draw the worst images, worst first")
    add("--batch-size", type=int, default=16, metavar="N", help="images a batch, default 16")
    add("--workers", type=int, default=cores(), metavar="N",
        help="processes besides this one, default one a core")  # fmt: skip
    add("--max-megapixels", type=float, default=MAX_PIXELS / 1e6, metavar="N",
        help="larger images are refused by their header, default %(default)g")  # fmt: skip
    add("--engine", choices=("local", "ray"), default="local",
        help="ray: a job of Ray Data, here or on the cluster that RAY_ADDRESS names")  # fmt: skip
    add("--device", default=auto_device(), help="cpu, cuda, …")
    return command


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Scores what the command line asks for, and returns the exit code."""
    quiet()
    keep_freed_memory()
    command = parser()
    options = command.parse_args(arguments)
    with ExitStack() as held:
        try:
            check(options)
            paths = find(options.inputs, sys.stdin)
            given = (options.model, options.device, options.seed_by)
            predictor = load(*given, pool=options.pool, allow=options.allow)
            table = None
            if options.output:
                held.enter_context(table_lock(options.output))
                table = Table(options.output, predictor.digest)
        except (OSError, ValueError, RuntimeError) as error:
            command.error(str(error))
        try:
            wanted = all_rows(predictor, paths, table, options)
            sys.stdout.flush()
            return report(wanted)
        except OSError as error:
            return no_room(error)


def all_rows(
    predictor: Predictor, paths: Sequence[str], table: Table | None, options: argparse.Namespace
) -> list[Row]:
    """Returns the rows of all paths, in their order, those that there were and new ones.

    Args:
        predictor: Of the scores.
        paths: Of all images.
        table: Where they are written; None for standard output.
        options: Of the command line.
    """
    states = {path: State.of(path) for path in paths} if table else {}
    old = table.outdated(states) if table else set()
    rows = {image: row for image, row in (table.rows if table else {}).items() if image not in old}
    if table:
        table.adopt({path: state for path, state in states.items() if path not in old})
    try:
        run(
            predictor,
            paths,
            rows,
            lambda new: table.append(new, states) if table else None,
            options,
        )
    except KeyboardInterrupt:
        again = " The same command goes on from there." if table else ""
        print(f"\nInterrupted after {len(rows)} of {len(paths)} images.{again}", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    finally:
        if table:
            table.close()
    wanted = [rows[path] for path in paths]
    if options.sheet:
        picture = io.BytesIO()
        suffix = options.sheet.suffix.lower()
        draw(wanted).save(picture, format=Pillow.registered_extensions()[suffix])
        write(options.sheet, picture.getvalue())
    return wanted


def no_room(error: OSError) -> int:
    """Returns the exit code where something could not be written, having said what, once.

    Raises:
        OSError: If it is another error.
    """
    if not isinstance(error, NoSpaceError):
        if error.errno not in (*FULL, errno.EPIPE):  # of standard output
            raise error
        with suppress(OSError):  # a test's has none; what it holds could not be written either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # whoever read it has had enough
            return PIPE_CLOSED
        error = NoSpaceError(Path("standard output"), error)
    print(error, file=sys.stderr)
    return NO_ROOM


def check(options: argparse.Namespace) -> None:
    """Raises ``ValueError`` or ``OSError`` for what cannot be done, before the work starts."""
    if options.batch_size < 1 or options.workers < 0:
        raise ValueError(
            f"--batch-size is {options.batch_size} and --workers {options.workers}; give at least"
            " 1 and at least 0."
        )
    if not options.max_megapixels > 0:
        raise ValueError(f"--max-megapixels is {options.max_megapixels:g}; give more than 0.")
    if options.engine == "ray":
        require("--engine ray", "ray", "ray")
    for path in (options.output, options.sheet):
        if path is not None and not path.parent.is_dir():
            raise FileNotFoundError(f"No folder '{path.parent}' for {path.name}. Make it first.")
    known = Pillow.registered_extensions()
    if options.sheet and known.get(options.sheet.suffix.lower()) not in Pillow.SAVE:
        raise ValueError(f"No image format ends in '{options.sheet.suffix}'. Give a .png.")


def run(
    predictor: Predictor,
    paths: Sequence[str],
    rows: dict[str, Row],
    keep: Callable[[list[Row]], None],
    options: argparse.Namespace,
) -> None:
    """Adds the rows of the paths that have none yet, and writes each batch as it comes.

    Args:
        predictor: Of the scores.
        paths: Of all images.
        rows: By path; filled here.
        keep: Writes new ones to the table.
        options: Of the command line.
    """
    if options.engine == "ray":
        from kdiqa.scorer.on_ray import scored
    else:
        from kdiqa.scorer.many import scored
    size = options.batch_size
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    # Whole batches, as an undisturbed run has them: equal scores to the last digit.
    open_ones = [path for batch in batches if any(p not in rows for p in batch) for path in batch]
    show = printer(options.json, options.output is None)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(
            "Scoring", total=len(paths), completed=len(paths) - len(open_ones)
        )
        workers = min(options.workers, len(open_ones))
        max_pixels = round(1e6 * options.max_megapixels)
        for batch in scored(predictor, open_ones, size, workers, max_pixels):
            new = [row for row in batch if row.image not in rows]
            keep(new)
            show(new)
            rows.update((row.image, row) for row in new)
            progress.advance(task, len(batch))


def printer(as_json: bool, as_csv: bool) -> Callable[[Sequence[Row]], None]:
    """Returns what writes rows to standard output, if anything does."""
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    if as_json:
        return lambda rows: print("".join(f"{row.json()}\n" for row in rows), end="", flush=True)
    if not as_csv:
        return lambda rows: None
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(Row._fields)
    return lambda rows: writer.writerows(row.cells() for row in rows)


def report(rows: Sequence[Row]) -> int:
    """Lists the images that could not be read, and returns the exit code."""
    broken = [row for row in rows if row.error]
    for row in broken[:LISTED]:
        print(f"{row.image}: {row.error}".encode(errors="replace").decode(), file=sys.stderr)
    if len(broken) > LISTED:
        print(f"… and {len(broken) - LISTED} more, in the table", file=sys.stderr)
    if broken:
        print(f"{len(broken)} of {len(rows)} images could not be scored.", file=sys.stderr)
    return SOME_BROKEN if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
