"""A table of soft targets: one row an image, resumed after any interruption; or a given one."""

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from kdiqa.data.readers.files import read_csv, to_number
from kdiqa.data.record import Record
from kdiqa.files.append import AppendedTable
from kdiqa.files.atomic import write

COLUMNS = ["image", "content", "s_mean", "s_std", "check"]
Key = tuple[str, str]  # an image's name and the digest of its bytes


class Target(NamedTuple):
    """A teacher's predictions of an image over all its views, in [0, 1], higher is better."""

    mean: float
    std: float  # 0 of one view


class TargetTable:
    """Soft targets by image, in a CSV file that is complete or not there.

    New ones are appended to a part file of this process's own, next to it, so that an interruption
    loses nothing and two builds at once do each other no harm. A row that was altered since is none,
    nor is any of a file that is no table of targets: they are computed anew.

    Args:
        path: Of the complete table.
        contents: The digest of each image's bytes, by its file.
    """

    def __init__(self, path: Path, contents: Mapping[Path, str]) -> None:
        self.path, self.contents = path, contents
        path.parent.mkdir(parents=True, exist_ok=True)
        self.parts = sorted(path.parent.glob(f"{path.stem}.[0-9]*.part"))
        self.rows: dict[Key, Target] = {}
        for held in (path, *self.parts):
            with suppress(ValueError):
                self.rows |= targets(AppendedTable(held, COLUMNS).rows)
        self.part: AppendedTable | None = None

    def __contains__(self, record: Record) -> bool:
        return self.key_of(record) in self.rows

    def __getitem__(self, record: Record) -> Target:
        return self.rows[self.key_of(record)]

    def key_of(self, record: Record) -> Key:
        """Returns what tells an image from others: its name and its bytes."""
        return record.name, self.contents[record.image]

    def append(self, rows: Iterable[tuple[Record, Target]]) -> None:
        """Writes rows so that a process that dies now has written them."""
        if self.part is None:
            self.part = AppendedTable(self.path.with_suffix(f".{os.getpid()}.part"), COLUMNS)
            self.parts.append(self.part.path)
        new = {self.key_of(record): target for record, target in rows}
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


class GivenScores:
    """Scores of images in a table of somebody's, as ``kdiqa predict`` writes one.

    Args:
        path: A CSV file with the columns ``image``, a path or a file name in any letter case, and
            ``score``, in [0, 1], higher is better.
        records: The images it must have.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it lacks an image, has one twice, or a score lies outside [0, 1].
    """

    def __init__(self, path: Path, records: Sequence[Record]) -> None:
        if not path.is_file():
            raise FileNotFoundError(
                f"No table of scores at '{path}' (teacher). Write one with the columns image,score,"
                " or set teacher to a run folder."
            )
        self.digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        self.rows: dict[str, Target] = {}
        for line, row in read_csv(path, ("image", "score")):
            name, score = Path(row["image"]).name.casefold(), to_number(row["score"], path, line)
            if not 0 <= score <= 1 or name in self.rows:
                problem = "the image again" if name in self.rows else f"a score of {score:g}"
                raise ValueError(
                    f"'{path}', line {line}: {problem}. Give each file name one score in [0, 1],"
                    " higher is better."
                )
            self.rows[name] = Target(score, 0.0)
        missing = [r for r in records if r.image.name.casefold() not in self.rows]
        if missing:
            raise ValueError(
                f"'{path}' has no score of {len(missing)} of the {len(records)} training images, the"
                f" first is '{missing[0].image.name}'. Add a row for each (image,score)."
            )

    def __getitem__(self, record: Record) -> Target:
        return self.rows[record.image.name.casefold()]


def cells(rows: Mapping[Key, Target]) -> list[list[str]]:
    """Returns targets as a file's rows, to the last bit, each with its checksum."""
    plain = [[*key, *map(repr, target)] for key, target in rows.items()]
    return [[*row, checksum(row)] for row in plain]


def targets(rows: Iterable[Sequence[str]]) -> dict[Key, Target]:
    """Returns the targets in a file's rows, of those that are as they were written."""
    return {
        (image, content): Target(float(mean), float(std))
        for image, content, mean, std, check in rows
        if checksum([image, content, mean, std]) == check
    }


def checksum(row: Sequence[str]) -> str:
    """Returns the checksum of a row's cells."""
    return f"{crc32(chr(31).join(row).encode(errors='surrogateescape')):08x}"
