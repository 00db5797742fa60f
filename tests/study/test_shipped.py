"""Every study that is shipped can be started: it reads, composes, and has a README to be believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdiqa.config.compose import conf_dir
from kdiqa.report.outcome import BEGIN, END
from kdiqa.study.plan import read
from kdiqa.study.state import compositions

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
STUDIES = sorted(path.parent for path in EXPERIMENTS.glob("*/study.yaml"))


def test_the_studies_of_the_method_are_there() -> None:
    wanted = {"six_datasets", "cross_dataset", "ablation", "controls", "redistortion"}
    assert wanted | {"label_fraction", "real_tid2013", "real_biq2021"} <= {p.name for p in STUDIES}


@pytest.mark.parametrize("folder", STUDIES, ids=lambda path: path.name)
def test_study_composes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDIQA_BACKBONES", "/weights")
    study = read(folder)
    known = {path.stem for path in (conf_dir() / "experiment").glob("*.yaml")}
    asked = {variant.words[0].removeprefix("experiment=") for variant in study.variants.values()}
    assert asked <= known
    assert len(compositions(study.variants.values())) == len(study.variants)
    assert len((folder / "study.yaml").read_text().splitlines()) <= 40


@pytest.mark.parametrize("folder", STUDIES, ids=lambda path: path.name)
def test_study_says_what_it_claims_and_has_a_place_for_its_table(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    parts = ("Claim.", "Command.", "Cost.", "The paper's number.", "Ours.", "What differs from")
    for part in parts:
        assert f"**{part}" in text, part
    assert text.index(BEGIN) < text.index(END)
    assert f"experiments/{folder.name}" in text
    assert f"({folder.name}/README.md)" in (EXPERIMENTS / "README.md").read_text()
