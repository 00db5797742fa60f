"""Pictures of one data set that look alike, though they count as different contents.

Such a pair may stand on both sides of a split by content. References are compared where there are
any, since the distorted images of one reference are alike on purpose.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.data.record import Record
from kdiqa.data.splits import hashes
from kdiqa.doctor.datasets import read
from kdiqa.doctor.decode import in_parallel
from kdiqa.figures.contact_sheet import Tile, thumbnail, tiled

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule

DRAWN = 24  # pairs on the sheet, the nearest, three in a row
PRINTED = 20


@dataclass(frozen=True)
class Pair:
    """Two files that look alike.

    Args:
        first: One file.
        second: The other.
        distance: In how many of 64 bits their hashes differ; 0 is the same picture, or nearly.
        correlation: Of their thumbnails in grey, one perhaps mirrored; at most 1.
    """

    first: Path
    second: Path
    distance: int
    correlation: float


def run(console: Console, data: IQADataModule, options: argparse.Namespace, output: Path) -> int:
    """PerceptualHashes and draws the pairs of a data set; returns 1 where there are any, else 0."""
    files = pictures(read(data), options.images)
    there = [path for path in files if path.is_file()]
    thumbs = in_parallel(_thumbnail, there, "Hashing")
    readable = {
        path: thumb for path, thumb in zip(there, thumbs, strict=True) if thumb is not None
    }
    pairs = near_pairs({path: files[path] for path in readable}, list(readable.values()))
    sheet = draw(pairs, data, output) if pairs else None
    if options.json:
        print(json.dumps(_plain(data, pairs, len(files), len(readable), sheet), indent=2))
    else:
        _show(console, data, pairs, len(files), len(readable), sheet)
    return int(bool(pairs))


def pictures(records: Sequence[Record], images: bool = False) -> dict[Path, str]:
    """Returns the files to compare, each with its content.

    Args:
        records: Of the data set.
        images: Takes the images in any case; else the references, where there are any.
    """
    references = {r.reference: r.content for r in records if r.reference is not None}
    if references and not images:
        return references
    return {record.image: record.content for record in records}


def near_pairs(files: Mapping[Path, str], thumbs: Sequence[NDArray[np.uint8]]) -> list[Pair]:
    """Returns all pairs of different contents that look alike, the nearest first.

    Args:
        files: Each with its content.
        thumbs: Of each file, as :func:`kdiqa.data.splits.hashes.thumbnail` makes it.
    """
    paths, contents = list(files), list(files.values())
    prints = hashes.PerceptualHashes.of(thumbs)
    found = []
    for i, j in hashes.duplicates(prints, prints):
        if i < j and contents[i] != contents[j]:
            apart = np.bitwise_count(prints.codes[i] ^ prints.codes[j, 0])
            views = (thumbs[i], thumbs[i][:, ::-1])
            alike = max(hashes.correlation(view, thumbs[j]) for view in views)
            found.append(Pair(paths[i], paths[j], int(apart.min()), alike))
    return sorted(found, key=lambda p: (p.distance, -p.correlation, p.first, p.second))


def draw(pairs: Sequence[Pair], data: IQADataModule, output: Path) -> Path:
    """Returns the sheet of the nearest pairs, drawn into a folder."""
    output.mkdir(parents=True, exist_ok=True)
    tiles = []
    for pair in pairs[:DRAWN]:
        texts = (f"{pair.distance} of 64 bits apart", f"correlation {pair.correlation:.3f}")
        tiles += [
            Tile(thumbnail(read_rgb(pair.first)), texts[0], data.source.shown(pair.first)),
            Tile(thumbnail(read_rgb(pair.second)), texts[1], data.source.shown(pair.second)),
        ]
    counted = f"{len(pairs)} pairs" if len(pairs) > 1 else "One pair"
    title = f"{counted} of {type(data).__name__} that look alike"
    title += f", the nearest {DRAWN}" if len(pairs) > DRAWN else ""
    path = output / "duplicates.png"
    Pillow.fromarray(tiled(tiles, 6, title, group=2)).save(path)
    return path


def _thumbnail(path: Path) -> NDArray[np.uint8] | None:
    try:
        return hashes.thumbnail(path)
    except ImageReadError:  # verify names what cannot be read
        return None


def _plain(
    data: IQADataModule, pairs: Sequence[Pair], listed: int, compared: int, sheet: Path | None
) -> dict[str, Any]:
    return {
        "name": data.name,
        "root": str(data.root),
        "listed": listed,
        "compared": compared,
        "pairs": [
            {
                "first": data.source.shown(pair.first),
                "second": data.source.shown(pair.second),
                "distance": pair.distance,
                "correlation": round(pair.correlation, 4),
            }
            for pair in pairs
        ],
        "picture": None if sheet is None else str(sheet),
    }


def _show(
    console: Console,
    data: IQADataModule,
    pairs: Sequence[Pair],
    listed: int,
    compared: int,
    sheet: Path | None,
) -> None:
    alike = {0: "no two look alike", 1: "one pair looks alike"}
    head = f"{type(data).__name__} in '{data.root}': {compared} of {listed} pictures compared, "
    text = alike.get(len(pairs), f"{len(pairs)} pairs look alike")
    console.print(Text(head + text), soft_wrap=True)
    if sheet is None:
        return
    table = Table("first", "second", "bits apart", "correlation", box=None)
    for pair in pairs[:PRINTED]:
        names = (data.source.shown(pair.first), data.source.shown(pair.second))
        table.add_row(*names, str(pair.distance), f"{pair.correlation:.3f}")
    console.print(table)
    if len(pairs) > PRINTED:
        console.print(Text(f"  … and {len(pairs) - PRINTED} more; --json names all"))
    console.print(Text(f"  {sheet}"), soft_wrap=True)
