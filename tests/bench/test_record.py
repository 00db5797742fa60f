"""What is measured is kept whole, and shown as one table a benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import record as module
from bench.record import machine, record, table


def test_table_has_every_column_of_every_row_and_three_digits() -> None:
    rows = [{"name": "a", "s": 0.123456}, {"name": "b", "s": 1234.5, "n": 7}]
    assert table(rows).splitlines() == [
        "| name | s | n |",
        "|---|---|---|",
        "| a | 0.123 | – |",
        "| b | 1234 | 7 |",
    ]


def test_record_replaces_its_own_and_keeps_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    record("one", "First", "make one", "of one", [{"s": 1.0}], write=True)
    record("two", "Second", "make two", "of two", [{"s": 2.0}], write=True)
    record("one", "First", "make one", "of one", [{"s": 3.0}], write=True)
    path = tmp_path / "results" / f"{machine()}.json"
    held = json.loads(path.read_text())
    assert [held[name]["rows"] for name in ("one", "two")] == [[{"s": 3.0}], [{"s": 2.0}]]
    page = path.with_suffix(".md").read_text()
    assert page.count("## ") == 2
    assert "| 3 |" in page
    assert "| 1 |" not in page


def test_nothing_is_written_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    record("one", "First", "make one", "of one", [{"s": 1.0}], write=False)
    assert not (tmp_path / "results").exists()
