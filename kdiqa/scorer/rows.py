"""The table of scores: appended to as they come, and gone on with after any interruption."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from kdiqa.files.append import AppendedTable


class Row(NamedTuple):
    """One image's line."""

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
    """A file of one model's rows, complete up to the last line whenever its writer is stopped.

    Raises:
        ValueError: If the file is another table, or holds rows of another model.
    """

    def __init__(self, path: Path, model: str) -> None:
        self.table = AppendedTable(path, Row._fields)
        self.rows = [
            Row(image, float(score) if score else None, float(units) if units else None, *rest)
            for image, score, units, *rest in self.table.rows
        ]
        other = {row.model for row in self.rows} - {model}
        if other:
            raise ValueError(
                f"'{path}' holds scores of the model {sorted(other)[0]}, and this one is {model}."
                " Give --output another name, or delete the file."
            )
        self.append([])

    def append(self, rows: Iterable[Row]) -> None:
        """Writes rows so that a process that dies now has written them."""
        self.table.append(row.cells() for row in rows)
