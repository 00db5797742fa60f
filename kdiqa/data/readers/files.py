"""Finds the files of a download as it was unpacked, and reads its tables."""

import csv
import math
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path


class FileIndex:
    """The files below a data set's folder, found by their path in any letter case.

    One level of nesting is tolerated, since some archives unpack into a folder of their own.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        # As text: of a hundred thousand files, paths would take the larger part of the memory.
        self._files: dict[str, str] = {}
        self._nested: dict[str, str] = {}
        start = len(os.fspath(root))
        for folder, folders, names in os.walk(root, followlinks=True):
            folders.sort()
            below = folder[start:].replace(os.sep, "/").strip("/").casefold()
            deeper = f"{below.partition('/')[2]}/".lstrip("/")
            for name in sorted(names):
                file, key = os.path.join(folder, name), name.casefold()
                self._files[f"{below}/{key}" if below else key] = file
                if below:
                    self._nested.setdefault(f"{deeper}{key}", file)

    def find(self, *paths: str) -> Path | None:
        """Returns the file at the first of some paths below the root where one is, None without."""
        keys = [path.replace("\\", "/").casefold() for path in paths]
        # What lies where it should comes first.
        found = (self._files.get(key) or self._nested.get(key) for key in keys)
        return next((Path(file) for file in found if file), None)

    def path(self, *paths: str) -> Path:
        """Returns the file at the first of some paths where one is, or where it should be."""
        return self.find(*paths) or self.root / paths[0]

    def __iter__(self) -> Iterator[Path]:
        """Yields all files, at any depth, in the order of their paths."""
        return iter(sorted(map(Path, {*self._files.values(), *self._nested.values()})))

    def ending_in(self, ends: Collection[str]) -> dict[str, Path]:
        """Returns the file of each path below the root, or of each end of one file's path alone.

        Args:
            ends: In lower case, with forward slashes; each file is looked at once for all of them.
        """
        only: dict[str, str | None] = {}
        for key, file in self._files.items():
            at = key.find("/")
            while at >= 0:
                if (end := key[at + 1 :]) in ends:
                    only[end] = None if end in only else file
                at = key.find("/", at + 1)
        found = {end: self._files.get(end) or only.get(end) for end in ends}
        return {end: Path(file) for end, file in found.items() if file}


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Returns the rows of a table with their line numbers, whatever else it has in columns.

    Raises:
        ValueError: If a column is missing.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file, skipinitialspace=True)
        table.fieldnames = [name.strip() for name in table.fieldnames or []]
        check_columns(path, table.fieldnames, columns)
        for row in table:
            if any(row[name] for name in columns):
                yield table.line_num, {name: (row[name] or "").strip() for name in columns}


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the lines of a text that are not empty, with their numbers."""
    for line, text in enumerate(path.read_text().splitlines(), start=1):
        if text.strip():
            yield line, text.strip()


def check_columns(
    path: Path, names: Sequence[str], wanted: Sequence[str], kind: str = "column"
) -> None:
    """Raises ``ValueError`` where a file lacks one of the columns, arrays or sheets wanted of it."""
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(
            f"'{path}' has no {kind} {missing[0]!r}, its {kind}s are "
            f"{', '.join(filter(None, names))!r}. Restore the authors' file."
        )


def row_error(path: Path, line: int, fault: str) -> ValueError:
    """Returns the error of one line of the authors' table."""
    return ValueError(f"'{path}', line {line}: {fault}. Restore the authors' file.")


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
        raise row_error(path, line, f"{name!r} is not named content_distortion_level")
    return parts[0], parts[1], int(parts[2])


def to_number(text: str, path: Path, line: int) -> float:
    """Returns the finite number in a line of a table; raises ``ValueError`` if it is none."""
    if (number := finite(text)) is None:
        raise row_error(path, line, f"{text!r} is no score")
    return number


def finite(text: str) -> float | None:
    """Returns the finite number that a text is, None for any other text."""
    with suppress(ValueError):
        if math.isfinite(number := float(text)):
            return number
    return None


def root_of(root: str | Path | None, name: str) -> Path | None:
    """Returns where a data set lies: as given, or the folder of its name in KDIQA_DATA's."""
    if root is None and "KDIQA_DATA" in os.environ:
        root = Path(os.environ["KDIQA_DATA"], name)
    return None if root is None else Path(root).expanduser()
