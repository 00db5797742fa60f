"""Finds the files of a download as it was unpacked, and reads its tables."""

import csv
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path


class FileIndex:
    """The files below a folder, found by their path in any letter case.

    One level of nesting is tolerated, since some archives unpack into a folder of their own.

    Args:
        root: The folder of a data set.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths: dict[str, Path] = {}
        nested: dict[str, Path] = {}
        for folder, folders, names in os.walk(root, followlinks=True):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                key = path.relative_to(root).as_posix().casefold()
                self._paths[key] = path
                nested.setdefault(key.partition("/")[2], path)
        self._paths = nested | self._paths  # what lies where it should comes first

    def find(self, *parts: str) -> Path | None:
        """Returns the file at a path below the root, None when there is none."""
        return self._paths.get("/".join(parts).replace("\\", "/").casefold())

    def path(self, *parts: str) -> Path:
        """Returns the file at a path below the root, or where it should be."""
        return self.find(*parts) or self.root.joinpath(*parts)

    def __iter__(self) -> Iterator[Path]:
        """Yields all files, at any depth, in the order of their paths."""
        return iter(sorted(set(self._paths.values())))


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Returns the rows of a table with their line numbers, whatever else it has in columns.

    Raises:
        ValueError: If a column is missing.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file, skipinitialspace=True)
        header = [name.strip() for name in table.fieldnames or []]
        table.fieldnames = header
        missing = [name for name in columns if name not in header]
        if missing:
            raise ValueError(
                f"'{path}' has no column {missing[0]!r}, its columns are {', '.join(header)!r}. "
                "Restore the authors' file."
            )
        for row in table:
            if any(row[name] for name in columns):
                yield table.line_num, {name: (row[name] or "").strip() for name in columns}


def split_name(name: str, path: Path, line: int) -> tuple[str, str, int]:
    """Returns content, distortion and level, as in ``i01_08_3.bmp``, named in a line of a table.

    Raises:
        ValueError: If the name has another form; the message says where.

    Example:
        >>> split_name("I01_08_3.BMP", Path("dmos.csv"), 1)
        ('i01', '08', 3)
    """
    parts = Path(name).stem.casefold().split("_")
    if len(parts) != 3 or not parts[2].isdecimal():
        raise ValueError(
            f"'{path}', line {line}: {name!r} is not named content_distortion_level. "
            "Restore the authors' file."
        )
    return parts[0], parts[1], int(parts[2])


def to_number(text: str, path: Path, line: int) -> float:
    """Returns the finite number that stands in a line of a table.

    Raises:
        ValueError: If it is none; the message says where.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(
            f"'{path}', line {line}: {text!r} is no score. Restore the authors' file."
        )
    return number


def root_of(root: str | Path | None, name: str) -> Path | None:
    """Returns where a data set lies: as given, or the folder of its name in KDIQA_DATA's."""
    if root is None and "KDIQA_DATA" in os.environ:
        root = Path(os.environ["KDIQA_DATA"], name)
    return None if root is None else Path(root).expanduser()
