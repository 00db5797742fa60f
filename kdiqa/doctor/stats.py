"""What a data set is made of: scores, parts, distortions, sizes; in numbers and drawn."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image as Pillow
from rich.console import Console
from rich.table import Table

from kdiqa.data.images.read import read_rgb
from kdiqa.data.record import Record
from kdiqa.data.splits.split import SUBSETS
from kdiqa.doctor.datasets import read
from kdiqa.doctor.decode import decode_all, in_parallel, measure
from kdiqa.figures import COLOURS, STYLE
from kdiqa.figures.contact_sheet import Pixels, Tile, thumbnail, tiled

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule

BINS = 40
SAMPLES = 24  # images on the sheet, in rows of six
COMMONEST = 8  # sizes that are printed; --json has all
NO_LEVEL = "all"  # where the authors number no levels


@dataclass(frozen=True)
class Statistics:
    """What was counted.

    Args:
        records: All images, with the authors' scores and the part of this split.
        present: Those whose file is there and readable.
        numbers: What is printed, in plain containers.
    """

    records: list[Record]
    present: list[Record]
    numbers: dict[str, Any]


def run(console: Console, data: IQADataModule, options: argparse.Namespace, output: Path) -> int:
    """Prints the statistics of a data set, draws them into a folder, and returns 0."""
    statistics = collect(data)
    paths = [str(path) for path in draw(data, statistics, output)]
    if options.json:
        print(json.dumps(statistics.numbers | {"pictures": paths}, indent=2))
    else:
        show(console, data, statistics.numbers, paths)
    return 0


def collect(data: IQADataModule) -> Statistics:
    """Returns the statistics of a folder, as far as its files go.

    Raises:
        DatasetNotFoundError: If the folder or a label file is missing.
        ValueError: If a label file is wrong, or no images are listed.
    """
    records = read(data)
    if not records:
        raise ValueError(f"No images are listed in '{data.root}'. Restore the label file.")
    try:
        parts = data.assign(records)
    except ValueError:  # too few for three parts; verify says so
        parts = ["all"] * len(records)
    records = [replace(r, split=part) for r, part in zip(records, parts, strict=True)]
    sizes = in_parallel(measure, [record.image for record in records], "Measuring")
    present = [record for record, size in zip(records, sizes, strict=True) if size]
    scores = np.array([record.mos for record in records])
    numbers: dict[str, Any] = {
        "name": data.name,
        "root": str(data.root),
        "images": len(records),
        "readable": len(present),
        "contents": len({record.content for record in records}),
        "references": len({record.reference for record in records} - {None}),
        "scores": {
            "lowest": float(scores.min()),
            "highest": float(scores.max()),
            "mean": float(scores.mean()),
            "std": float(scores.std()),
            "better": "lower" if data.lower_is_better else "higher",
        },
        "parts": {
            part: {
                "images": len(group),
                "contents": len({record.content for record in group}),
                "mean": float(np.mean([record.mos for record in group])),
            }
            for part in (*SUBSETS, "all")
            if (group := [record for record in records if record.split == part])
        },
        "distortions": distortions(records),
        "sizes": {f"{s[0]}x{s[1]}": n for s, n in Counter(filter(None, sizes)).most_common()},
    }
    return Statistics(records, present, numbers)


def distortions(records: Sequence[Record]) -> dict[str, dict[str, int]]:
    """Returns how many images there are of each distortion and level; none where unknown."""
    counts: dict[str, dict[str, int]] = {}
    known = [record for record in records if record.distortion is not None]
    for record in sorted(known, key=lambda r: _numerically(str(r.distortion))):
        levels = counts.setdefault(str(record.distortion), {})
        level = NO_LEVEL if record.level is None else str(record.level)
        levels[level] = levels.get(level, 0) + 1
    return counts


def draw(data: IQADataModule, statistics: Statistics, output: Path) -> list[Path]:
    """Returns the files drawn into a folder: scores, and samples where images are readable."""
    output.mkdir(parents=True, exist_ok=True)
    paths = [output / "scores.png", output / "samples.png"]
    histogram(data, statistics).savefig(paths[0], dpi=150)
    if not statistics.present:
        return paths[:1]
    Pillow.fromarray(samples(statistics.present, data)).save(paths[1])
    return paths


@mpl.rc_context(STYLE)
def histogram(data: IQADataModule, statistics: Statistics) -> Figure:
    """Returns the distribution of scores on the authors' scale, the parts stacked."""
    parts, records = statistics.numbers["parts"], statistics.records
    figure = Figure(figsize=(7.6, 4.4))
    axes = figure.subplots()
    axes.hist(
        [[record.mos for record in records if record.split == part] for part in parts],
        bins=[float(edge) for edge in np.linspace(*data.mos_range, BINS + 1)],
        stacked=True,
        color=COLOURS[: len(parts)],
        label=[f"{part} ({row['images']})" for part, row in parts.items()],
        edgecolor="white",
        linewidth=0.4,
    )
    better = statistics.numbers["scores"]["better"]
    axes.set(
        title=f"{type(data).__name__}: {len(records)} images",
        xlabel=f"MOS on the authors' scale, {better} is better",
        ylabel="images",
    )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def samples(records: Sequence[Record], data: IQADataModule) -> Pixels:
    """Returns a sheet of images from worst to best, at equal distances in rank."""
    ranked = sorted(records, key=lambda record: record.mos, reverse=data.lower_is_better)
    ranks = np.linspace(0, len(ranked) - 1, min(SAMPLES, len(ranked))).round().astype(int)
    chosen = [ranked[rank] for rank in ranks]
    decoded = decode_all([record.image for record in chosen])
    tiles = [
        Tile(
            thumbnail(read_rgb(record.image)), f"{record.mos:.4g}", data.source.shown(record.image)
        )
        for record in chosen
        if not decoded[record.image].fault
    ]
    title = f"{type(data).__name__}: from the worst score to the best, at equal steps of rank"
    return tiled(tiles, 6, title)


def show(
    console: Console, data: IQADataModule, numbers: dict[str, Any], paths: Sequence[str]
) -> None:
    """Prints the numbers as tables, and where the drawings are."""
    lower, upper = data.mos_range
    spread, sizes = numbers["scores"], list(numbers["sizes"].items())
    common = ", ".join(f"{count} of {size}" for size, count in sizes[:COMMONEST]) or "–"
    more = f", and {len(sizes) - COMMONEST} more" if len(sizes) > COMMONEST else ""
    console.print(
        f"{type(data).__name__} in '{data.root}'\n"
        f"  {numbers['images']} images listed, {numbers['readable']} there and readable, "
        f"{numbers['contents']} contents, {numbers['references']} references\n"
        f"  scores from {spread['lowest']:g} to {spread['highest']:g}, mean {spread['mean']:.4g}, "
        f"deviation {spread['std']:.3g}; the scale is {lower:g} to {upper:g}, {spread['better']} "
        f"is better\n  sizes: {common}{more}"
    )
    table = Table("part", "images", "contents", "mean score", box=None)
    for part, row in numbers["parts"].items():
        table.add_row(part, str(row["images"]), str(row["contents"]), f"{row['mean']:.4g}")
    console.print(table)
    if numbers["distortions"]:
        console.print(_distortion_table(numbers["distortions"]))
    for path in paths:
        console.print(f"  {path}")


def _distortion_table(counts: dict[str, dict[str, int]]) -> Table:
    levels = sorted({level for row in counts.values() for level in row}, key=_numerically)
    table = Table("distortion", box=None)
    for level in levels:
        table.add_column("images" if level == NO_LEVEL else f"level {level}", justify="right")
    for name, row in counts.items():
        table.add_row(name, *(str(row.get(level, "–")) for level in levels))
    return table


def _numerically(text: str) -> str:
    """Returns what numbers sort by as numbers, before all names."""
    return text.zfill(9) if text.isdecimal() else text
