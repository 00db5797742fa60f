"""A table that is appended to is complete up to its last line, wherever its writer was stopped."""

from __future__ import annotations

import re
import subprocess
import sys
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


def test_rows_are_written_anew_atomically_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    table = AppendedTable(path, COLUMNS)
    table.append(ROWS)
    table.rewrite(ROWS[1:])
    table.append(ROWS[:1])
    table.close()
    assert AppendedTable(path, COLUMNS).rows == [*ROWS[1:], ROWS[0]]
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_a_full_disk_is_named_once_and_half_a_line_is_none(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    program = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from kdiqa.files.append import AppendedTable\nfrom kdiqa.files.atomic import NoSpaceError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
        "table = AppendedTable(Path(sys.argv[1]), ('name', 'score'))\n"
        "try:\n    [table.append([['x' * 90, '1']]) for _ in range(9)]\n"
        "except NoSpaceError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"No room for '{path}': ")
    assert done.stderr == ""
    assert path.stat().st_size == 300
    assert AppendedTable(path, COLUMNS).rows == [["x" * 90, "1"]] * 3
