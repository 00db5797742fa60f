"""The table of scores: appended to as they come, and gone on with after any interruption."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kdiqa.files.append import AppendedTable

PENDING = 1000  # rows that replace others, after which the table is written anew


class Row(NamedTuple):
    """One image's line."""

    image: str
    """Its path, as it was given."""
    score: float | None
    """Nominally in [0, 1], not clipped, higher is better; None where it could not be read."""
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


class State(NamedTuple):
    """What a file was when it was scored: another size or time is another image."""

    size: str
    mtime_ns: str

    @classmethod
    def of(cls, path: str) -> "State | None":
        """Returns the state of a file, None where there is none."""
        try:
            state = os.stat(path)
        except OSError:
            return None
        return cls(str(state.st_size), str(state.st_mtime_ns))


class Table:
    """A file of rows, complete up to the last line whenever its writer is stopped.

    A hidden file next to it, ``.NAME.files``, holds the size and time of each scored file: the
    table's own columns are what other programs read, and stay as they are.

    Args:
        path: Of the file; rows that it holds already stay.
        model: Whose rows it may hold.

    Raises:
        ValueError: If the file is another table, or holds rows of another model.
    """

    def __init__(self, path: Path, model: str) -> None:
        if path.is_symlink():  # which would be replaced, and not what it leads to
            path = path.resolve()
        written = path.stat().st_mtime_ns if path.is_file() else 0
        self.table = AppendedTable(path, Row._fields)
        held = [parsed(cells) for cells in self.table.rows]
        other = {row.model for row in held} - {model}
        if other:
            raise ValueError(
                f"'{path}' holds scores of the model {sorted(other)[0]}, and this one is {model}."
                " Give --output another name, or delete the file."
            )
        self.written = written
        self.rows = {row.image: row for row in held}
        self.replaced: dict[str, Row] = {}
        self.files = states_of(path.with_name(f".{path.name}.files"))
        self.states = {image: State(*state) for image, *state in self.files.rows}
        if len(self.rows) < len(held):  # two runs at once had doubled them
            self._rewrite()
        self.append([])

    def outdated(self, states: Mapping[str, State | None]) -> set[str]:
        """Returns which images are to be scored again: those that failed, and those replaced since.

        Args:
            states: Of the files now, by image.
        """
        return {image for image in states if image in self.rows and self._is_old(image, states)}

    def _is_old(self, image: str, states: Mapping[str, State | None]) -> bool:
        now, then = states[image], self.states.get(image)
        if self.rows[image].error or now is None:
            return bool(self.rows[image].error)
        # Where nothing is known of a file, it was replaced if it is younger than the table.
        return now != then if then else int(now.mtime_ns) > self.written

    def adopt(self, states: Mapping[str, State | None]) -> None:
        """Takes files of which nothing is known for those that were scored.

        Args:
            states: Of the files now, by image.
        """
        new = {image: s for image, s in states.items() if s and image not in self.states}
        new = {image: s for image, s in new.items() if image in self.rows}
        self.files.append([image, *state] for image, state in new.items())
        self.states |= new

    def append(
        self, rows: Iterable[Row], states: Mapping[str, State | None] | None = None
    ) -> None:
        """Writes rows so that a process that dies now has written them.

        Those that replace others are written a thousand at once, or with :meth:`close`.

        Args:
            rows: Of images.
            states: Of their files before they were read.
        """
        rows = list(rows)
        known = {row.image: (states or {}).get(row.image) for row in rows if not row.error}
        scored = {image: state for image, state in known.items() if state}
        # A state without its row does no harm; a row without its state could be of another image.
        self.files.append([image, *state] for image, state in scored.items())
        self.states |= scored
        self.table.append(row.cells() for row in rows if row.image not in self.rows)
        self.replaced |= {r.image: r for r in rows if r != self.rows.get(r.image, r)}
        self.rows |= {row.image: row for row in rows if row.image not in self.rows}
        if len(self.replaced) >= PENDING:
            self._rewrite()

    def close(self) -> None:
        """Writes what is left, in place of the rows that it replaces."""
        if self.replaced:
            self._rewrite()
        self.table.close()
        self.files.close()

    def _rewrite(self) -> None:
        self.rows |= self.replaced
        self.replaced = {}
        self.table.rewrite(row.cells() for row in self.rows.values())
        self.files.rewrite([image, *state] for image, state in self.states.items())


def states_of(path: Path) -> AppendedTable:
    """Returns the table of states at a path, a new one where what lies there is none."""
    columns = ("image", *State._fields)
    try:
        return AppendedTable(path, columns)
    except ValueError:
        path.unlink()
        return AppendedTable(path, columns)


def parsed(cells: Sequence[str]) -> Row:
    """Returns a row from its cells."""
    image, score, units, error, model = cells
    return Row(
        image, float(score) if score else None, float(units) if units else None, error, model
    )
