"""A table of soft targets: one row an image, gone on with after any interruption."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kdiqa.data.record import Record
from kdiqa.files.append import AppendedTable
from kdiqa.files.atomic import write

COLUMNS = ["image", "bytes", "s_mean", "s_std"]
Key = tuple[str, int]


class Target(NamedTuple):
    """What a teacher says of an image over all its looks."""

    mean: float
    """In [0, 1], higher is better."""
    std: float
    """0 where it looks once."""


class TargetTable:
    """Soft targets by image, in a CSV file that is whole or not there.

    What is new is written to a part file of this process's own as it comes, so that an
    interruption loses nothing and two builds at once do each other no harm.

    Args:
        path: Of the whole table; parts lie beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.parts = sorted(path.parent.glob(f"{path.stem}.[0-9]*.part"))
        self.rows: dict[Key, Target] = {}
        for held in (path, *self.parts):
            self.rows |= targets(AppendedTable(held, COLUMNS).rows)
        self.part: AppendedTable | None = None

    def __contains__(self, record: Record) -> bool:
        return key_of(record) in self.rows

    def __getitem__(self, record: Record) -> Target:
        return self.rows[key_of(record)]

    def append(self, rows: Iterable[tuple[Record, Target]]) -> None:
        """Writes rows so that a process that dies now has written them."""
        if self.part is None:
            self.part = AppendedTable(
                self.path.parent / f"{self.path.stem}.{os.getpid()}.part", COLUMNS
            )
            self.parts.append(self.part.path)
        new = {key_of(record): target for record, target in rows}
        self.part.append(cells(new))
        self.rows |= new

    def finish(self) -> None:
        """Makes the whole table of all parts."""
        if self.part is not None:
            self.part.close()
            self.part = None
        if not self.parts:
            return
        table = io.StringIO(newline="")
        csv.writer(table).writerows([COLUMNS, *cells(dict(sorted(self.rows.items())))])
        write(self.path, table.getvalue().encode(errors="surrogateescape"), cache=True)
        for part in self.parts:
            part.unlink(missing_ok=True)
        self.parts = []


def key_of(record: Record) -> Key:
    """Returns what tells an image from others: its name and its size in bytes."""
    return record.name, record.image.stat().st_size


def cells(rows: Mapping[Key, Target]) -> list[list[str]]:
    """Returns targets as a file's rows, to the last bit."""
    return [[image, str(size), *map(repr, target)] for (image, size), target in rows.items()]


def targets(rows: Iterable[Sequence[str]]) -> dict[Key, Target]:
    """Returns the targets in a file's rows."""
    return {(image, int(size)): Target(float(mean), float(std)) for image, size, mean, std in rows}
