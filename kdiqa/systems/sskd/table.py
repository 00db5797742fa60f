"""A table of soft targets: one row an image, gone on with after any interruption."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

from kdiqa.data.record import Record

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
        self.parts = sorted(path.parent.glob(f"{path.stem}.*.part"))
        self.rows: dict[Key, Target] = {}
        for held in (path, *self.parts):
            if held.is_file():
                self.rows |= read(held)
        self.file: TextIO | None = None

    def __contains__(self, record: Record) -> bool:
        return key_of(record) in self.rows

    def __getitem__(self, record: Record) -> Target:
        return self.rows[key_of(record)]

    def append(self, rows: Iterable[tuple[Record, Target]]) -> None:
        """Writes rows so that a process that dies now has written them."""
        if self.file is None:
            part = self.path.parent / f"{self.path.stem}.{os.getpid()}.part"
            self.file = part.open("w", newline="", encoding="utf-8")
            self.parts.append(part)
            csv.writer(self.file).writerow(COLUMNS)
        new = {key_of(record): target for record, target in rows}
        csv.writer(self.file).writerows([*key, *map(repr, row)] for key, row in new.items())
        self.file.flush()
        self.rows |= new

    def finish(self) -> None:
        """Makes the whole table of all parts."""
        if self.file is not None:
            self.file.close()
            self.file = None
        if not self.parts:
            return
        unfinished = self.path.with_suffix(f".{os.getpid()}.tmp")
        with unfinished.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows([*key, *map(repr, row)] for key, row in sorted(self.rows.items()))
        unfinished.replace(self.path)
        for part in self.parts:
            part.unlink(missing_ok=True)
        self.parts = []


def key_of(record: Record) -> Key:
    """Returns what tells an image from others: its name and its size in bytes."""
    return record.name, record.image.stat().st_size


def read(path: Path) -> dict[Key, Target]:
    """Returns the rows of a file, without what an interruption left of the last one."""
    text = path.read_bytes().decode("utf-8")
    whole = text[: text.rfind("\n") + 1].splitlines()
    return {
        (row["image"], int(row["bytes"])): Target(float(row["s_mean"]), float(row["s_std"]))
        for row in csv.DictReader(whole)
    }
