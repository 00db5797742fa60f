"""Tables that are appended to: complete up to the last line, whatever stops their writer."""

import csv
import io
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path

from kdiqa.files.atomic import FULL, NoSpaceError, write

ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}  # file names are bytes


class AppendedTable:
    """A CSV file of rows of one width, of which an interruption costs the last line at most.

    Nothing is changed before the first :meth:`append`, which cuts off what an interruption has
    left of a line.

    Args:
        path: Of the file, which may be there already.
        columns: Their names, its first line.

    Raises:
        ValueError: If the file does not begin with them.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = path, list(columns)
        self.file: FileIO | None = None
        data = path.read_bytes() if path.is_file() else b""
        first = ",".join(columns)
        if not data.startswith(first.encode()[: len(data)]):
            raise ValueError(
                f"'{path}' is another table: it does not begin with {first}. Give another"
                " file name."
            )
        self.rows, self._complete = self._read(data)
        """The complete rows that the file held when it was opened."""

    def append(self, rows: Iterable[Sequence[str]]) -> None:
        """Writes rows so that a process that dies now has written them.

        Raises:
            NoSpaceError: If the disk is full; what was written of a line is none.
        """
        try:
            if self.file is None:
                self.file = FileIO(self.path, "a")
                if self.file.tell() > self._complete:
                    self.file.truncate(self._complete)
            data = self._lines(rows, header=not self._complete)
            while data:  # nothing waits in a buffer, to fail once more when the process ends
                data = data[self.file.write(data) :]
            self._complete = self._complete or 1
        except OSError as error:
            if error.errno in FULL:
                raise NoSpaceError(self.path, error) from error
            raise

    def rewrite(self, rows: Iterable[Sequence[str]]) -> None:
        """Writes all rows anew, atomically; later ones are appended to these.

        Raises:
            NoSpaceError: If the disk is full; the file is then as it was.
        """
        data = self._lines(rows, header=True)
        write(self.path, data)
        self.close()
        self.file, self._complete = None, len(data)

    def _lines(self, rows: Iterable[Sequence[str]], header: bool) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([self.columns, *rows] if header else rows)
        return text.getvalue().encode(**ENCODING)

    def close(self) -> None:
        """Closes the file; a later :meth:`append` would need a new table."""
        if self.file is not None:
            self.file.close()

    def _read(self, data: bytes) -> tuple[list[list[str]], int]:
        """Returns the complete rows of a file, and how many bytes they and the header take."""
        while True:
            data = complete(data)
            text = io.StringIO(data.decode(**ENCODING), newline="")
            try:
                header_and_rows = list(csv.reader(text, strict=True))
                if all(len(row) == len(self.columns) for row in header_and_rows):
                    return header_and_rows[1:], len(data)
            except csv.Error:  # a name with a line end in it, cut there
                pass
            data = data[:-1]


def complete(data: bytes) -> bytes:
    r"""Returns the complete lines of a file.

    Example:
        >>> complete(b"epoch,loss\n0,1.5\n1,1."), complete(b"epo")
        (b'epoch,loss\n0,1.5\n', b'')
    """
    return data[: data.rfind(b"\n") + 1]
