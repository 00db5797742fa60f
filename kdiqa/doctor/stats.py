"""What a data set is made of: scores, parts, distortions, sizes; in numbers and in pictures."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image as Pillow
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kdiqa.data.images.read import read_rgb
from kdiqa.data.record import Record
from kdiqa.data.splits.split import SUBSETS
from kdiqa.doctor import charts
from kdiqa.doctor.datasets import read
from kdiqa.doctor.decode import decode_all, in_parallel, measure
from kdiqa.figures.contact_sheet import Pixels, Tile, thumbnail, tiled

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule

SAMPLES = 24  # images on the sheet, in rows of six
COMMONEST = 8  # sizes that are printed; --json has all


@dataclass(frozen=True)
class Statistics:
    """What was counted.

    Args:
        records: All images, with the authors' scores and the part of this split.
        present: Those whose file is there, with its width and height.
        numbers: What is printed, in plain containers.
    """

    records: list[Record]
    present: list[tuple[Record, tuple[int, int]]]
    numbers: dict[str, Any]


def run(console: Console, data: IQADataModule, options: argparse.Namespace, output: Path) -> int:
    """Prints the statistics of a data set, draws them into a folder, and returns 0."""
    found = collect(data)
    made = draw(data, found, output)
    if options.json:
        print(json.dumps(found.numbers | {"pictures": [str(path) for path in made]}, indent=2))
    else:
        show(console, data, found, made)
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
    there = [record for record in records if record.image.is_file()]
    looks = in_parallel(measure, [record.image for record in there], "Measuring")
    present = [
        (record, look.size) for record, look in zip(there, looks, strict=True) if not look.fault
    ]
    scores = np.array([record.mos for record in records])
    by_part = {part: _part(records, part) for part in [*SUBSETS, "all"]}
    numbers: dict[str, Any] = {
        "name": data.name,
        "root": str(data.root),
        "images": len(records),
        "readable": len(present),
        "contents": len({record.content for record in records}),
        "references": len({record.reference for record in records} - {None}),
        "scores": _spread(scores) | {"better": "lower" if data.lower_is_better else "higher"},
        "parts": {name: part for name, part in by_part.items() if part["images"]},
        "distortions": _distortions(records),
        "sizes": {f"{w}x{h}": n for (w, h), n in Counter(s for _, s in present).most_common()},
    }
    return Statistics(records, present, numbers)


def draw(data: IQADataModule, found: Statistics, output: Path) -> list[Path]:
    """Returns the pictures drawn into a folder; what there is nothing of is not drawn."""
    output.mkdir(parents=True, exist_ok=True)
    title = f"{type(data).__name__}: {len(found.records)} images"
    better = found.numbers["scores"]["better"]
    scores = {
        part: [record.mos for record in found.records if record.split == part]
        for part in found.numbers["parts"]
    }
    figures: dict[str, Figure | None] = {
        "scores": charts.histogram(scores, data.mos_range, f"{better} is better", title),
        "distortions": charts.distortions(found.numbers["distortions"], title),
        "sizes": charts.sizes([size for _, size in found.present], title),
    }
    made = []
    for name, figure in figures.items():
        if figure is not None:
            made.append(output / f"{name}.png")
            figure.savefig(made[-1], dpi=150)
    if found.present:
        made.append(output / "samples.png")
        sheet = samples([record for record, _ in found.present], data)
        Pillow.fromarray(sheet).save(made[-1])
    return made


def samples(records: Sequence[Record], data: IQADataModule) -> Pixels:
    """Returns a sheet of images from worst to best, at equal distances in rank."""
    ranked = sorted(records, key=lambda record: record.mos, reverse=data.lower_is_better)
    places = np.linspace(0, len(ranked) - 1, min(SAMPLES, len(ranked))).round().astype(int)
    chosen = [ranked[place] for place in places]
    faults = decode_all([record.image for record in chosen])
    tiles = [
        Tile(
            thumbnail(read_rgb(record.image)), f"{record.mos:.4g}", data.source.shown(record.image)
        )
        for record in chosen
        if not faults[record.image].fault
    ]
    title = f"{type(data).__name__}: from the worst score to the best, at equal steps of rank"
    return tiled(tiles, 6, title)


def show(console: Console, data: IQADataModule, found: Statistics, made: Sequence[Path]) -> None:
    """Prints the numbers as tables, and where the pictures are."""
    numbers = found.numbers
    lower, upper = data.mos_range
    spread = numbers["scores"]
    lines = [
        f"{type(data).__name__} in '{data.root}'",
        f"  {numbers['images']} images listed, {numbers['readable']} there and readable, "
        f"{numbers['contents']} contents, {numbers['references']} references",
        f"  scores from {spread['lowest']:g} to {spread['highest']:g}, mean {spread['mean']:.4g}, "
        f"deviation {spread['std']:.3g}; the scale is {lower:g} to {upper:g}, {spread['better']} "
        "is better",
        "  sizes: "
        + (", ".join(f"{n} of {s}" for s, n in list(numbers["sizes"].items())[:COMMONEST]) or "–")
        + (f", and {more} more" if (more := len(numbers["sizes"]) - COMMONEST) > 0 else ""),
    ]
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    table = Table("part", "images", "contents", "mean score", box=None, pad_edge=True)
    for part, row in numbers["parts"].items():
        table.add_row(part, str(row["images"]), str(row["contents"]), f"{row['mean']:.4g}")
    console.print(table)
    if numbers["distortions"]:
        console.print(_distortion_table(numbers["distortions"]))
    for path in made:
        console.print(Text(f"  {path}"), soft_wrap=True)


def _distortion_table(counts: dict[str, dict[str, int]]) -> Table:
    levels = charts.levels_of(counts)
    table = Table("distortion", *map(_heading, levels), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, row in counts.items():
        table.add_row(name, *(str(row.get(level, "–")) for level in levels))
    return table


def _heading(level: str) -> str:
    return "images" if level == charts.NO_LEVEL else f"level {level}"


def _distortions(records: Sequence[Record]) -> dict[str, dict[str, int]]:
    """Returns how many images there are of each distortion and level; none where unknown."""
    counts: dict[str, dict[str, int]] = {}
    pairs = Counter((r.distortion, r.level) for r in records if r.distortion is not None)
    for (name, level), number in sorted(pairs.items(), key=lambda pair: _order(*pair[0])):
        counts.setdefault(str(name), {})[charts.NO_LEVEL if level is None else str(level)] = number
    return counts


def _order(name: str | None, level: int | None) -> tuple[bool, int, str, int]:
    number = str(name)
    numeric = number.isdecimal()
    return (not numeric, int(number) if numeric else 0, number, level if level is not None else -1)


def _spread(scores: np.typing.NDArray[np.float64]) -> dict[str, float]:
    ends = {"lowest": float(scores.min()), "highest": float(scores.max())}
    return ends | {"mean": float(scores.mean()), "std": float(scores.std())}


def _part(records: Sequence[Record], part: str) -> dict[str, Any]:
    mine = [record for record in records if record.split == part]
    mean = float(np.mean([record.mos for record in mine])) if mine else None
    contents = len({record.content for record in mine})
    return {"images": len(mine), "contents": contents, "mean": mean}
