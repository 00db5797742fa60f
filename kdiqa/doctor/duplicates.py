"""Images of one data set that look alike, though they count as different contents.

Such a pair may stand on both sides of a split by content. References are compared where there are
any, since the distorted images of one reference are alike on purpose.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from rich.console import Console
from rich.table import Table

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


class Pair(NamedTuple):
    """Two files that look alike."""

    first: Path
    second: Path
    distance: int
    """In how many of 64 bits their hashes differ; 0 is the same image, or nearly."""
    correlation: float
    """Of their thumbnails in grey, one perhaps mirrored; at most 1."""


def run(console: Console, data: IQADataModule, options: argparse.Namespace, output: Path) -> int:
    """Hashes and draws the pairs of a data set; returns 1 where there are any, else 0."""
    files = compared_files(read(data), options.images)
    thumbs = zip(files, in_parallel(_thumbnail, list(files), "Hashing"), strict=True)
    readable = {path: thumb for path, thumb in thumbs if thumb is not None}
    pairs = near_pairs({path: files[path] for path in readable}, list(readable.values()))
    sheet = str(draw(pairs, data, output)) if pairs else None
    shown = data.source.shown
    numbers = {
        "name": data.name,
        "root": str(data.root),
        "listed": len(files),
        "compared": len(readable),
        "pairs": [
            {
                "first": shown(pair.first),
                "second": shown(pair.second),
                "distance": pair.distance,
                "correlation": round(pair.correlation, 4),
            }
            for pair in pairs
        ],
        "picture": sheet,
    }
    if options.json:
        print(json.dumps(numbers, indent=2))
    else:
        show(console, type(data).__name__, numbers)
    return int(bool(pairs))


def compared_files(records: Sequence[Record], images: bool = False) -> dict[Path, str]:
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
    hashed = hashes.PerceptualHashes.of(thumbs)
    pairs = []
    for i, j in hashes.duplicates(hashed, hashed):
        if i < j and contents[i] != contents[j]:
            apart = np.bitwise_count(hashed.codes[i] ^ hashed.codes[j, 0])
            views = (thumbs[i], thumbs[i][:, ::-1])
            alike = max(hashes.correlation(view, thumbs[j]) for view in views)
            pairs.append(Pair(paths[i], paths[j], int(apart.min()), alike))
    return sorted(pairs, key=lambda p: (p.distance, -p.correlation, p.first, p.second))


def draw(pairs: Sequence[Pair], data: IQADataModule, output: Path) -> Path:
    """Returns the sheet of the nearest pairs, drawn into a folder."""
    output.mkdir(parents=True, exist_ok=True)
    tiles = []
    for pair in pairs[:DRAWN]:
        texts = (f"{pair.distance} of 64 bits apart", f"correlation {pair.correlation:.3f}")
        tiles += [
            Tile(thumbnail(read_rgb(path)), text, data.source.shown(path))
            for path, text in zip(pair[:2], texts, strict=True)
        ]
    counted = f"{len(pairs)} pairs" if len(pairs) > 1 else "One pair"
    title = f"{counted} of {type(data).__name__} that look alike"
    title += f", the nearest {DRAWN}" if len(pairs) > DRAWN else ""
    path = output / "duplicates.png"
    Pillow.fromarray(tiled(tiles, 6, title, group=2)).save(path)
    return path


def show(console: Console, title: str, numbers: Mapping[str, Any]) -> None:
    """Prints how many pairs there are, and the nearest of them."""
    pairs = numbers["pairs"]
    alike = {0: "no two look alike", 1: "one pair looks alike"}
    console.print(
        f"{title} in '{numbers['root']}': {numbers['compared']} of {numbers['listed']} images"
        f" compared, {alike.get(len(pairs), f'{len(pairs)} pairs look alike')}"
    )
    if not pairs:
        return
    table = Table("first", "second", "bits apart", "correlation", box=None)
    for pair in pairs[:PRINTED]:
        bits, alike_by = str(pair["distance"]), f"{pair['correlation']:.3f}"
        table.add_row(pair["first"], pair["second"], bits, alike_by)
    console.print(table)
    if len(pairs) > PRINTED:
        console.print(f"  … and {len(pairs) - PRINTED} more; --json names all")
    console.print(f"  {numbers['picture']}")


def _thumbnail(path: Path) -> NDArray[np.uint8] | None:
    with suppress(ImageReadError):  # verify names what is missing or cannot be read
        return hashes.thumbnail(path)
    return None
