"""A report says what its numbers are worth: rows that were changed, scores that rank nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kdiqa import report
from kdiqa.metrics import seals
from tests.report.made import write_run

EDITS = {
    "edited": lambda rows: rows.assign(score=rows["score"].where(rows.index > 0, 0.99)),
    "deleted": lambda rows: rows.iloc[1:],
    "doubled": lambda rows: pd.concat([rows, rows.iloc[:1]]),
    "of another part": lambda rows: pd.concat(
        [rows, rows.iloc[:1].assign(id="other.png", split="train")]
    ),
}


@pytest.mark.parametrize("kind", EDITS)
def test_rows_that_were_changed_are_named_in_table_and_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    write_run(tmp_path / "honest", "honest")
    write_run(tmp_path / "cooked", "cooked")
    file = tmp_path / "cooked" / "predictions" / "test.csv"
    rows = pd.read_csv(file)
    EDITS[kind](rows).to_csv(file, index=False)
    image = "other.png" if kind == "of another part" else rows["id"][0]
    fault = f"1 row {kind}: '{image}'"
    assert report.main([str(tmp_path), "--markdown", "--no-figures"]) == 0
    table = capsys.readouterr().out
    assert f"Rows changed since the run: {file}: {fault}." in table
    assert "| cooked [rows changed since the run] |" in table
    assert "| honest |" in table
    page = tmp_path / "page.html"
    assert report.main([str(tmp_path), "--no-figures", "--no-images", "-o", str(page)]) == 0
    assert f"1 row {kind}: " in page.read_text()


def test_constant_scores_are_called_so_and_have_no_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "alive", "alive")
    constant(tmp_path / "dead", write_run(tmp_path / "dead", "dead"))
    words = [str(tmp_path), "--no-figures", "--baseline", "alive", "--markdown"]
    assert report.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    (dead,) = (line for line in lines if line.startswith("| dead |"))
    assert "constant" in dead
    assert " to " not in dead
    assert "0.000" not in dead
    assert "“dead”: 1 of 1 runs predict a constant, which ranks nothing." in lines
    page = tmp_path / "page.html"
    assert report.main([str(tmp_path), "--no-figures", "--no-images", "-o", str(page)]) == 0
    numbers = json.loads(page.with_suffix(".json").read_text())
    variant: dict[str, Any] = numbers["datasets"][0]["variants"]["dead"]
    assert variant["constant"] == 1
    assert "low" not in variant["measures"]["srcc"]


def constant(run: Path, rows: pd.DataFrame) -> None:
    """Writes a run's rows with one score for all images, as its own."""
    text = rows.assign(split="test", score=0.4).to_csv(index=False)
    (run / "predictions" / "test.csv").write_text(text)
    (run / "predictions" / "test.sha256").write_text(seals.seal(text))
    results = json.loads((run / "results.json").read_text())
    results["rows"] = {"test": seals.digest(seals.seal(text))}
    (run / "results.json").write_text(json.dumps(results))
