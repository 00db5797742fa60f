"""The table of scores: appended to as they come, and gone on with after any interruption."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}  # file names are bytes


class Row(NamedTuple):
    """One picture's line."""

    image: str
    """Its path, as it was given."""
    score: float | None
    """In [0, 1], higher is better; None where it could not be read."""
    units: float | None
    """The same in the data set's own units and direction."""
    error: str
    """Why there is no score; empty where there is one."""
    model: str
    """12 hex digits of the model."""

    def cells(self) -> list[str]:
        """Returns the values as a table holds them."""
        return [
            "" if value is None else f"{value:.6f}" if isinstance(value, float) else value
            for value in self
        ]

    def json(self) -> str:
        """Returns the row as a line of JSON."""
        values = {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in self._asdict().items()
        }
        return json.dumps(values)


class Table:
    """A file of rows, complete up to the last line whenever its writer is stopped.

    Args:
        path: Of the file; rows that it holds already are kept.
        model: Whose rows it may hold.

    Raises:
        ValueError: If the file is another table, or holds rows of another model.
    """

    def __init__(self, path: Path, model: str) -> None:
        self.path = path
        self.rows = self._held(model) if path.is_file() and path.stat().st_size else []
        self.file: TextIO = path.open("a", newline="", **ENCODING)  # type: ignore[call-overload]
        if not self.path.stat().st_size:
            csv.writer(self.file).writerow(Row._fields)
            self.file.flush()

    def append(self, rows: Iterable[Row]) -> None:
        """Writes rows so that a process that dies now has written them."""
        csv.writer(self.file).writerows(row.cells() for row in rows)
        self.file.flush()

    def _held(self, model: str) -> list[Row]:
        """Returns the rows of the file, and cuts off what an interruption left of the next one."""
        data = self.path.read_bytes()
        begin = ",".join(Row._fields).encode()
        if not data.startswith(begin[: len(data)]):
            raise ValueError(
                f"'{self.path}' is no table of scores: it does not begin with"
                f" {','.join(Row._fields)}. Give --output another name."
            )
        parsed: list[list[str]] | None = None
        while parsed is None:
            data = data[: data.rfind(b"\n") + 1]
            parsed = _parsed(data.decode(**ENCODING))
            data = data if parsed is not None else data[:-1]
        rows = [
            Row(image, float(score) if score else None, float(units) if units else None, *rest)
            for image, score, units, *rest in parsed
        ]
        other = {row.model for row in rows} - {model}
        if other:
            raise ValueError(
                f"'{self.path}' holds scores of the model {sorted(other)[0]}, and this one is"
                f" {model}. Give --output another name, or delete the file."
            )
        with self.path.open("r+b") as file:
            file.truncate(len(data))
        return rows


def _parsed(text: str) -> list[list[str]] | None:
    """Returns the cells of whole lines, None where the last one is not whole."""
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None
    whole = all(len(cells) == len(Row._fields) for cells in lines)
    return lines[1:] if whole else None
