"""The table of scores is complete up to the last line, whatever its names hold."""

from __future__ import annotations

from pathlib import Path

from kdiqa.scorer.rows import Row, Table


def test_a_line_break_in_a_name_is_no_end_of_a_row(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    rows = [Row('a\nb,"c".png', 0.5, 1.0, "", "m"), Row("\udcff.png", None, None, "why", "m")]
    Table(path, "m").append(rows)
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        held = Table(path, "m")
        assert held.rows == rows[: len(held.rows)]
        held.append(rows[len(held.rows) :])
        assert path.read_bytes() == whole, end
