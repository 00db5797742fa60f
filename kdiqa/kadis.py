"""Generates KADIS-700k's distorted images: ``python -m kdiqa.kadis ROOT``."""

import argparse
import multiprocessing
import os
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.progress import Progress, TextColumn

from kdiqa.data.images.formats import FORMATS
from kdiqa.data.images.read import ImageReadError, check_images
from kdiqa.data.kadis700k import LEVELS, Planned, distorted_folder, read_plan, write_distorted
from kdiqa.distortions.kadid import find
from kdiqa.runtime.devices import one_thread_without_interrupts

GIB = 2**30
PNG_SHARE = 0.6  # of a bitmap's size; 0.47 in the mean of all distortions of 20 images
BLOCK = 4096  # what a file may take beyond its bytes
WAITING = 64  # references a process that are handed out at once


def main(arguments: Sequence[str] | None = None) -> int:
    """Generates what the command line asks for, and returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(words)
    again = f"Go on with:\n  {shlex.join(['python', '-m', 'kdiqa.kadis', *words])}"
    count, faults, start = 0, [], time.monotonic()
    try:
        plan = read_plan(options.root)
        folder: Path = options.output or distorted_folder(plan)
        plan = _chosen(plan, options.types, options.limit, options.part)
        _prepare(plan, folder, options.format)
        # Of a command that was killed, or is still at work.
        left_over = list(folder.glob("*.part"))
        columns = (*Progress.get_default_columns(), TextColumn("{task.fields[rate]}"))
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("Distorting", total=len(plan) * len(LEVELS), rate="")
            for written, fault in _generated(plan, folder, options):
                count += written
                faults += [fault] if fault else []
                rate = count / (time.monotonic() - start)
                bar.update(task, advance=len(LEVELS), rate=f"{rate:.1f} images/s")
    except KeyboardInterrupt:
        print(f"\nInterrupted after {count} images. {again}", file=sys.stderr)
        return 130
    except BrokenProcessPool:
        ended = f"a process was killed, perhaps for want of memory, after {count} images."
        print(f"kdiqa kadis: {ended}\nSet fewer --workers. {again}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"kdiqa kadis: {error}", file=sys.stderr)
        return 1
    for path in left_over:  # by now its writer is done, or will never be
        path.unlink(missing_ok=True)
    there, seconds = (len(plan) - len(faults)) * len(LEVELS) - count, time.monotonic() - start
    print(f"{count} images made in {seconds:.0f} s, {there} were there, in {folder}")
    if faults:
        unread = f"{len(faults)} images cannot be read. The first: {faults[0]}"
        print(f"kdiqa kadis: {unread}", file=sys.stderr)
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kdiqa kadis",
        description="Generate the distorted images of KADIS-700k: five levels of one distortion "
        "for each reference, as its plan says. Images that are there already stay, so that the same "
        "command goes on where it was interrupted.",
    )
    add = parser.add_argument
    add("root", type=Path, help="the download: holds ref_imgs and kadis700k_ref_imgs.csv")
    add("-o", "--output", type=Path, help="default: dist_imgs next to ref_imgs")
    add(
        "--format",
        choices=("bmp", "png"),
        default="bmp",
        help="bmp (default) as the authors; png takes about half the disk and has the same pixels",
    )
    kinds = "only these distortions: numbers from 1 to 25 or names"
    add("--types", nargs="+", type=_kind, metavar="TYPE", help=kinds)
    add("--limit", type=_count, help="only the first so many of the references")
    add(
        "--part",
        type=_part,
        default=(0, 1),
        metavar="I/N",
        help="only every N-th reference from the I-th on: 0/2 here and 1/2 there share the work",
    )
    add(
        "--workers",
        type=_count,
        default=os.cpu_count() or 1,
        help="processes, default: one a core",
    )
    add("--seed", type=int, default=0, help="of all random draws, default 0; written images stay")
    return parser


def _kind(text: str) -> int:
    try:
        return find(int(text) if text.isdecimal() else text).id
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of processes or images. Give 1 or more."
        )
    return int(text)


def _part(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part. Give one such as 0/4, 1/4, … 3/4.")
    return int(index), int(count)


def _chosen(
    plan: list[Planned], types: list[int] | None, limit: int | None, part: tuple[int, int]
) -> list[Planned]:
    """Returns what to do of the plan; the parts of one limit share what it lets through."""
    chosen = [planned for planned in plan if types is None or planned.kind in types]
    chosen = chosen[:limit][part[0] :: part[1]]
    if not chosen:
        raise ValueError(
            f"--types, --limit and --part leave nothing of the plan's {len(plan)} references. "
            "Leave one of them out."
        )
    return chosen


def _prepare(plan: list[Planned], folder: Path, suffix: str) -> None:
    """Makes the folder, says how much disk will be taken, and refuses what cannot end well."""
    faults = check_images(planned.reference for planned in plan)
    if faults:
        path, fault = next(iter(faults.items()))
        raise ValueError(
            f"{len(faults)} of {len(plan)} references cannot be read, the first is '{path}' "
            f"({fault}). Unpack them again."
        )
    folder.mkdir(parents=True, exist_ok=True)
    there = set(os.listdir(folder))
    missing = sum(
        f"{planned.stem(level)}.{suffix}" not in there for planned in plan for level in LEVELS
    )
    sample = plan[:: max(1, len(plan) // 32)]
    pixels = sum(_pixels(planned.reference) for planned in sample) / len(sample)
    share = PNG_SHARE if suffix == "png" else 1.0
    need, free = missing * (3 * pixels * share + BLOCK), shutil.disk_usage(folder).free
    sizes = f"{need / GIB:.1f} GiB; '{folder}' has {free / GIB:.1f} GiB free"
    message = f"{missing} images need about {sizes}"
    if need > free:
        raise ValueError(
            f"{message}.\nGive --output a folder on a larger disk, --format png, or less to do: "
            "--limit, --types, --part."
        )
    print(message)


def _pixels(path: Path) -> int:
    with (
        suppress(OSError),
        Image.open(path, formats=FORMATS) as image,
    ):  # reported when its turn comes
        return image.width * image.height
    return 0


def _generated(
    plan: list[Planned], folder: Path, options: argparse.Namespace
) -> Iterator[tuple[int, str]]:
    """Yields, reference by reference, how many images were written and what is wrong with it."""
    os.environ["OMP_NUM_THREADS"] = "1"  # read by the processes when they start
    spawn = multiprocessing.get_context("spawn")  # a fork would copy the bar's thread half-way
    block = WAITING * options.workers
    job = partial(_one, folder=folder, suffix=options.format, seed=options.seed)
    with ProcessPoolExecutor(options.workers, spawn, _begin) as pool:
        try:
            for start in range(0, len(plan), block):
                yield from pool.map(job, plan[start : start + block])
        finally:
            pool.shutdown(cancel_futures=True)


def _one(planned: Planned, folder: Path, suffix: str, seed: int) -> tuple[int, str]:
    try:
        return write_distorted(planned, folder, suffix, seed), ""
    except ImageReadError as error:
        return 0, str(error)


def _begin() -> None:
    """Prepares a process: one thread, no ear for Ctrl-C, and an end with the one that began it."""
    one_thread_without_interrupts()
    parent = multiprocessing.parent_process()
    assert parent is not None
    ended = parent.join

    def follow() -> None:
        ended()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


if __name__ == "__main__":
    raise SystemExit(main())
