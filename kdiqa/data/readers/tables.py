"""Reads label files that are no text: Excel workbooks, old and new, and MATLAB's arrays."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import scipy.io
import xlrd

from kdiqa.data.readers.files import check_columns

ENGINES = {b"PK\x03\x04": "openpyxl", b"\xd0\xcf\x11\xe0": "xlrd"}  # how .xlsx and .xls begin
UNREADABLE = (
    *(EOFError, IndexError, KeyError, NotImplementedError, OSError, TypeError, ValueError),
    *(struct.error, zipfile.BadZipFile, zlib.error, ElementTree.ParseError),
    *(xlrd.XLRDError, xlrd.compdoc.CompDocError, scipy.io.matlab.MatReadError),
)
"""What the libraries raise, each in its own way, at a file that is cut short, damaged, or something else."""


def read_xlsx(
    path: Path, columns: Sequence[str], sheet: str | None = None, header_row: int = 1
) -> Iterator[tuple[int, dict[str, str]]]:
    """Returns the rows of a sheet with their line numbers, whatever else it has in columns.

    The file's first bytes say whether it is an .xlsx or an .xls, not its name. A whole number has
    no decimals: an image called 1600 is "1600" although Excel keeps it as a number.

    Args:
        path: The workbook.
        columns: Which columns to read, by what the header says.
        sheet: The sheet's name; None for the first one.
        header_row: The line of the header, counted from 1.

    Raises:
        ValueError: If it is no workbook, or has no such sheet or column.
    """
    rows = _sheet(path, sheet)
    header = [_text(cell).strip() for cell in next(islice(rows, header_row - 1, None), ())]
    check_columns(path, header, columns)
    indices = {name: header.index(name) for name in columns}
    for line, row in enumerate(rows, start=header_row + 1):
        cells = {name: _text(row[i]).strip() for name, i in indices.items() if i < len(row)}
        if any(cells.values()):
            yield line, {name: cells.get(name, "") for name in columns}


def read_mat(path: Path, arrays: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Returns the entries of MATLAB's vectors of one length, with their row numbers from 1.

    Args:
        path: A file of MATLAB up to version 7.
        arrays: Names of vectors, of numbers or of cells with a text each.

    Raises:
        ValueError: If it is no such file, lacks an array, or their lengths differ.
    """
    try:
        arrays_by_name: dict[str, Any] = scipy.io.loadmat(path, squeeze_me=True)
    except UNREADABLE as error:
        raise _unreadable(path, "MATLAB file (up to version 7)") from error
    names = [name for name in arrays_by_name if not name.startswith("__")]
    check_columns(path, names, arrays, "array")
    vectors = {name: np.atleast_1d(arrays_by_name[name]) for name in arrays}
    if len({vector.shape for vector in vectors.values()}) > 1:
        sizes = ", ".join(f"{name} {vector.size}" for name, vector in vectors.items())
        raise ValueError(
            f"'{path}' has arrays of different lengths: {sizes}. Restore the authors' file."
        )
    for row_number, values in enumerate(zip(*vectors.values(), strict=True), start=1):
        yield row_number, {name: _text(v).strip() for name, v in zip(arrays, values, strict=True)}


def _sheet(path: Path, sheet: str | None) -> Iterator[Sequence[Any]]:
    """Returns the rows of a sheet as they are stored."""
    data = path.read_bytes()
    engine = ENGINES.get(data[:4])
    if engine is None:
        raise _unreadable(path, "Excel workbook")
    # Otherwise xlrd prints its findings to standard output.
    options = {"logfile": io.StringIO()} if engine == "xlrd" else {}
    try:
        with pd.ExcelFile(io.BytesIO(data), engine=engine, engine_kwargs=options) as book:
            names = [str(name) for name in book.sheet_names]
            cells = {"header": None, "dtype": object, "na_filter": False}
            name = sheet if sheet in names else names[0]
            rows = pd.read_excel(book, sheet_name=name, **cells).to_numpy().tolist()
    except UNREADABLE as error:
        raise _unreadable(path, "Excel workbook") from error
    check_columns(path, names, [sheet or name], "sheet")
    return iter(rows)


def _text(value: Any) -> str:
    """Returns a cell as text; a number so that it reads back to the same number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _unreadable(path: Path, kind: str) -> ValueError:
    return ValueError(
        f"'{path}' is no {kind}, or is damaged: {path.stat().st_size} bytes that begin with "
        f"{path.read_bytes()[:8]!r}.\nDownload it again."
    )
