"""Two protocols, and the mark that a number chosen on the test images carries wherever it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from kdiqa import report
from kdiqa.config.instantiate import instantiate
from tests.runs import TEACHER, composed, train


@pytest.fixture(scope="module")
def common(fake_data: Path) -> tuple[str, ...]:
    return (f"data.root={fake_data / 'tid2013'}", "module.net.backbone.weights=random")


def parts(words: tuple[str, ...], folder: Path) -> dict[str, set[int]]:
    data = instantiate(composed(*words, folder=folder).data)
    data.setup()
    return {part: set(data.positions(part)) for part in ("train", "val", "test")}


@pytest.mark.parametrize("split", range(3))
def test_paper_trains_on_the_validation_images_too_and_selects_on_the_test_images(
    split: int, common: tuple[str, ...], tmp_path: Path
) -> None:
    words = (*TEACHER, *common, f"split={split}")
    strict = parts(words, tmp_path)
    assert not strict["val"] & strict["test"]
    assert not strict["train"] & (strict["val"] | strict["test"])
    paper = parts((*words, "protocol=paper"), tmp_path)
    assert paper["val"] == paper["test"] == strict["test"]
    assert paper["train"] == strict["train"] | strict["val"]


def test_number_selected_on_test_is_marked_wherever_it_is_printed(
    common: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*TEACHER, *common, "protocol=paper", "trainer.max_epochs=3")
    folder = train(*words, folder=tmp_path / "paper")
    assert "(selected on" in capsys.readouterr().out
    results = json.loads((folder / "results.json").read_text())
    assert results["selected_on"] == "test/srcc"
    assert results["metrics"]["val"] == results["metrics"]["test"]
    curve = pd.read_csv(folder / "metrics.csv")
    assert not [name for name in curve if name.startswith("val/")]
    curve = curve[curve["epoch"] < 3].groupby("epoch")["test/srcc"].first()
    assert results["best_epoch"] == curve.idxmax()
    assert results["metrics"]["test"]["srcc"] == pytest.approx(curve.max(), abs=1e-6)
    assert report.main([str(folder), "--markdown", "--no-figures"]) == 0
    assert "| teacher (selected on test) |" in capsys.readouterr().out


def test_strict_numbers_carry_no_mark(
    common: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(*TEACHER, *common, "trainer.max_epochs=1", folder=tmp_path / "strict")
    assert json.loads((folder / "results.json").read_text())["selected_on"] == "val/srcc"
    assert report.main([str(folder), "--markdown", "--no-figures"]) == 0
    assert "| teacher | 1 |" in (printed := capsys.readouterr().out)
    assert "teacher (selected on test)" not in printed  # though others' published numbers are
