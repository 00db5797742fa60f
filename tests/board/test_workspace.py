"""The workspace shows what runs log, and says what it needs where it cannot be made."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from kdiqa.board import workspace
from kdiqa.board.__main__ import main


def test_file_holds_the_sections_with_the_panels_of_what_runs_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("wandb_workspaces", reason="pip install wandb-workspaces")
    file = tmp_path / "workspace.json"
    assert main(["--json", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    spec = json.loads(file.read_text())["section"]
    sections = {one["name"]: one["panels"] for one in spec["panelBankConfig"]["sections"]}
    assert list(sections) == ["Validation", "Training", "Distillation", "Speed", "Test"]
    text = json.dumps(sections)
    for titles in workspace.CURVES.values():
        for options in titles.values():
            pattern, metrics = options.get("metric_regex"), options.get("y", [])
            assert all(json.dumps(m) in text for m in [*metrics, *([pattern] if pattern else [])])
    for keys in (*workspace.MEDIA.values(), *workspace.TABLES.values()):
        assert all(json.dumps(key) in text for key in keys)
    assert [key["name"] for key in spec["runSets"][0]["grouping"]] == ["group", "jobType"]


def test_missing_package_is_said_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    assert main(["--entity", "me"]) == 1
    assert capsys.readouterr().err == (
        "kdiqa board: kdiqa board needs the package that Weights & Biases makes its workspaces with."
        " Type:\npip install wandb-workspaces\n"
    )


def test_without_a_connection_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert main([]) == 1
    assert capsys.readouterr().err == (
        "kdiqa board: no one is logged in, so nothing can be saved. Type: wandb login\n"
        "Without a connection, --json FILE writes the workspace to a file.\n"
    )
