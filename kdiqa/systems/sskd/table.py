"""A table of soft targets: one row an image, resumed after any interruption."""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from kdiqa.data.record import Record
from kdiqa.files.append import AppendedTable
from kdiqa.files.atomic import write

COLUMNS = ["image", "bytes", "s_mean", "s_std"]
Key = tuple[str, int]


class Target(NamedTuple):
    """A teacher's predictions of an image over all its views, in [0, 1], higher is better."""

    mean: float
    std: float  # 0 of one view


class TargetTable:
    """Soft targets by image, in a CSV file that is complete or not there.

    New ones are appended to a part file of this process's own, next to it, so that an interruption
    loses nothing and two builds at once do each other no harm.

    Args:
        path: Of the complete table.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.parts = sorted(path.parent.glob(f"{path.stem}.[0-9]*.part"))
        self.rows: dict[Key, Target] = {}
        for file in (path, *self.parts):
            for image, size, mean, std in AppendedTable(file, COLUMNS).rows:
                self.rows[image, int(size)] = Target(float(mean), float(std))
        self.part: AppendedTable | None = None

    def __contains__(self, record: Record) -> bool:
        return key_of(record) in self.rows

    def __getitem__(self, record: Record) -> Target:
        return self.rows[key_of(record)]

    def append(self, rows: Iterable[tuple[Record, Target]]) -> None:
        """Writes rows so that a process that dies now has written them."""
        if self.part is None:
            self.part = AppendedTable(self.path.with_suffix(f".{os.getpid()}.part"), COLUMNS)
            self.parts.append(self.part.path)
        new = {key_of(record): target for record, target in rows}
        self.part.append(cells(new))
        self.rows |= new

    def finish(self) -> None:
        """Joins all parts in the complete table."""
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
    """Returns what identifies an image: its name and its size in bytes."""
    return record.name, record.image.stat().st_size


def cells(rows: Mapping[Key, Target]) -> list[list[str]]:
    """Returns targets as a file's rows, to the last bit."""
    return [[image, str(size), *map(repr, target)] for (image, size), target in rows.items()]
