"""A finished run scores other data as it scored its own, and warns of shared contents."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from scipy import stats

from kdiqa import evaluate
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.readers.biq2021 import BIQ2021
from kdiqa.evaluation import run as evaluation
from tests.fakes import noisy, picture, write, write_csv
from tests.reads import counted
from tests.runs import STUDENT, TEACHER, train, write_weights
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def common(home: Path, fake_data: Path) -> tuple[str, ...]:
    weights = write_weights(home / "weights.pth")
    root = f"data.root={fake_data / 'tid2013'}"
    return (root, f"module.net.backbone.weights={weights}", "trainer.max_epochs=1")


@pytest.fixture(scope="module")
def teacher(home: Path, common: tuple[str, ...]) -> Path:
    return train(*TEACHER, *common, folder=home / "teacher")


@pytest.fixture(scope="module")
def student(home: Path, common: tuple[str, ...], teacher: Path) -> Path:
    words = ("protocol=paper", "data.label_scale=zscore", f"teacher={teacher}")
    return train(*STUDENT, *common, *words, folder=home / "student")


def run(folder: Path, data: Any, roots: dict[str, Path], **options: Any) -> dict[str, Path]:
    given = {"run": str(folder), "data": data, "root": {k: str(v) for k, v in roots.items()}}
    return evaluate.run(OmegaConf.merge(OmegaConf.structured(evaluate.Command), given, options))


def rows(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "predictions" / "test.csv")


def test_own_data_give_the_runs_own_test_rows(student: Path) -> None:
    folders = run(student, "tid2013", {}, teacher=False)
    (folder,) = folders.values()
    assert folder == student / "evaluations" / "tid2013"
    pd.testing.assert_frame_equal(rows(folder), rows(student), rtol=1e-5, atol=1e-6)
    assert json.loads((folder / "results.json").read_text())["images"] == "test split"


def test_all_images_of_other_data_are_scored_on_their_own_scale(
    student: Path,
    teacher: Path,
    fake_data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roots, reads = (
        {name: fake_data / name for name in ("biq2021", "kadid10k")},
        counted(monkeypatch),
    )
    folders = run(student, list(roots), roots)
    assert reads == {folder / "checkpoints" / "best.ckpt": 1 for folder in (student, teacher)}
    # Photographs have no references: there the teacher is left out.
    assert list(folders) == [
        *("student on biq2021 (selected on test)", "student on kadid10k (selected on test)"),
        "teacher on kadid10k",
    ]
    printed = capsys.readouterr().out
    assert printed.count("selected on") == 2  # the rows of the student, and no others
    for folder, count in zip(folders.values(), (26, 36, 36), strict=True):
        table = rows(folder)
        assert len(table) == table["id"].nunique() == count
        assert table["mos"].between(0, 1).all()
        results = json.loads((folder / "results.json").read_text())
        expected = stats.spearmanr(table["score"], table["mos"]).statistic
        assert results["metrics"]["test"]["srcc"] == pytest.approx(expected, abs=1e-12)
        assert list((folder / "figures").glob("*.png"))
    # A learnt zscore comes back around the training MOS, not around 0.
    spread = rows(student)["score"]
    table = rows(student / "evaluations" / "biq2021")
    assert abs(np.median(table["score"]) - np.median(spread)) < 0.5


def test_contents_that_the_run_has_learnt_from_are_warned_of(
    student: Path, fake_data: Path, tmp_path: Path
) -> None:
    # The fakes of both data sets show the same pictures.
    folders = run(student, "kadid10k", {"kadid10k": fake_data / "kadid10k"}, teacher=False)
    (warning,) = json.loads((next(iter(folders.values())) / "results.json").read_text())[
        "warnings"
    ]
    assert re.match(r"^\d contents of kadid10k are in what '.*' has learnt from, or its", warning)
    other = tmp_path / "kadid10k"
    rows: list[tuple[object, ...]] = [("dist_img", "ref_img", "dmos", "var")]
    for i in range(1, 4):
        write(other / "images" / f"I0{i}.png", picture(100 + i))
        write(other / "images" / f"I0{i}_01_01.png", noisy(picture(100 + i), 20))
        rows.append((f"I0{i}_01_01.png", f"I0{i}.png", 3.0 + i / 10, 0.5))
    write_csv(other / "dmos.csv", rows)
    folders = run(student, "kadid10k", {"kadid10k": other}, teacher=False)
    assert not json.loads((next(iter(folders.values())) / "results.json").read_text())["warnings"]


def test_score_does_not_depend_on_what_else_is_in_the_data(
    student: Path, fake_data: Path, tmp_path: Path
) -> None:
    from tests.fakes import FAKES

    few = FAKES["kadid10k"](tmp_path / "few")
    lines = (few / "dmos.csv").read_text().splitlines()
    (few / "dmos.csv").write_text("\n".join(lines[:8]) + "\n")
    whole, part = (
        rows(next(iter(run(student, "kadid10k", {"kadid10k": root}, teacher=False).values())))
        for root in (fake_data / "kadid10k", few)
    )
    assert len(part) == 7
    both = whole.merge(part, on="id")
    np.testing.assert_allclose(both["score_x"], both["score_y"], rtol=1e-5, atol=1e-6)


def test_teacher_on_images_without_references_is_an_error(teacher: Path, fake_data: Path) -> None:
    message = (
        "26 of 26 images have no reference, the first is 'ss01 (0).jpg'. Take a data set with"
        " references\n(data=tid2013, data=kadid10k), or pair by kdiqa.data.pairs.pairing.Redistorted,"
        " which needs none."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        run(teacher, "biq2021", {"biq2021": fake_data / "biq2021"})


def test_run_that_is_not_finished_has_a_message_how_to_finish_it(tmp_path: Path) -> None:
    message = (
        f"'{tmp_path}' holds no finished run: it has no results.json. Finish it with the command"
        f" it was started with, run='{tmp_path}' and resume=true."
    )
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        run(tmp_path, "biq2021", {})


def test_unknown_data_set_is_answered_with_the_known_ones(student: Path) -> None:
    message = (
        r"^There is no data set 'nope'\. There are: (\w+, )*biq2021, (\w+, )*tid2013(, \w+)*\.$"
    )
    with pytest.raises(ValueError, match=message):
        run(student, "nope", {})


def test_changed_data_of_its_own_are_warned_of(
    student: Path, fake_data: Path, tmp_path: Path
) -> None:
    from tests.fakes import FAKES

    other = FAKES["tid2013"](tmp_path / "tid2013")
    path = other / "mos_with_names.txt"
    path.write_text(path.read_text().replace("5.60000", "5.50000"))
    folder = next(iter(run(student, "tid2013", {"tid2013": other}, teacher=False).values()))
    warnings = json.loads((folder / "results.json").read_text())["warnings"]
    assert warnings == [
        f"The images or scores of tid2013 are not those that '{student}' was trained on: its test"
        " split may hold images that it has seen."
    ]


def test_images_that_the_guard_left_out_are_no_change_of_the_data(
    common: tuple[str, ...], photographs: BIQ2021, tmp_path: Path
) -> None:
    words = (*STUDENT, *common, f"data.root={photographs.root}", "data=biq2021", "data.guard=drop")
    folder = train(*words, "distill=false", "second=none", folder=tmp_path / "run")
    evaluated = evaluation.of_run(Checkpoint.read(folder), "biq2021", None)
    assert evaluated.data.assignment.subsets.count("none") == 1
    assert evaluated.warnings == []


@pytest.mark.process
def test_command_takes_lists_and_roots(student: Path, fake_data: Path) -> None:
    words = [f"run={student}", "data=[biq2021]", f"root.biq2021={fake_data / 'biq2021'}"]
    command = [sys.executable, "-m", "kdiqa.evaluate", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert "selected on test" in done.stdout.replace("\n", " ")
    wrong = subprocess.run([*command, "data=nope"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert wrong.stderr.strip() == (
        "ValueError: There is no data set 'nope'. There are: agiqa3k, bid, biq2021, crossdataset, csiq,"
        " demo, flive, folder, kadid10k, koniq10k, live, livec, pipal, piq23, spaq, tid2013."
    )
