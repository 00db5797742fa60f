"""A table that is appended to is complete up to its last line, wherever its writer was stopped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kdiqa.files.append import AppendedTable

COLUMNS = ("name", "score")
ROWS = [["a", "0.5"], ['a line\nend, "quoted" ü\udcff', "1"], ["c", ""]]


def test_a_table_cut_at_any_byte_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    table = AppendedTable(path, COLUMNS)
    assert not path.exists()
    table.append(ROWS[:1])
    table.append(ROWS[1:])
    table.close()
    complete = path.read_bytes()
    for size in range(len(complete)):
        path.write_bytes(complete[:size])
        table = AppendedTable(path, COLUMNS)
        assert table.rows == ROWS[: len(table.rows)]
        assert path.read_bytes() == complete[:size]
        table.append(ROWS[len(table.rows) :])
        table.close()
        assert path.read_bytes() == complete


def test_another_table_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("id,mos\n")
    message = (
        f"'{path}' is another table: it does not begin with name,score. Give another file name."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        AppendedTable(path, COLUMNS)
    assert path.read_text() == "id,mos\n"
