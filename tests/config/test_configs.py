"""Every experiment composes, and says what it claims."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.utils import get_class, get_method

from kdiqa.config.compose import conf_dir, resolved_yaml
from kdiqa.config.instantiate import ALLOWED, described
from kdiqa.training.features import caches_features
from tests.runs import composed

EXPERIMENTS = sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml"))
FILES = sorted(conf_dir().rglob("*.yaml"))


def test_there_are_experiments() -> None:
    wanted = {"teacher_demo", "akd_demo", "teacher_tid2013", "akd_biq2021", "akd_koniq"}
    assert wanted <= set(EXPERIMENTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_composes_and_every_target_exists(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_BACKBONES", "/weights")
    cfg = composed(f"experiment={name}", "teacher=/a/run", "++pool=/pictures", folder=tmp_path)
    assert resolved_yaml(cfg)
    named = [node["_target_"] for _, node in described(cfg_as_plain(cfg))]
    assert named
    for target in named:
        assert target.startswith(ALLOWED), target
        try:
            get_class(target)
        except ValueError:
            get_method(target)


@pytest.mark.parametrize("name", ["akd_demo", "akd_koniq"])
def test_features_of_any_experiment_can_be_online(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_BACKBONES", "/weights")
    words = (f"experiment={name}", "teacher=/a/run", "++pool=/pictures")
    assert not caches_features(composed(*words, "features=online", folder=tmp_path))
    assert caches_features(composed(*words, "features=cached", folder=tmp_path))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(conf_dir())))
def test_file_is_short(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= (75 if path.name == "train.yaml" else 40)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_says_what_it_claims_and_how_to_run_it(name: str) -> None:
    text = (conf_dir() / "experiment" / f"{name}.yaml").read_text()
    for word in ("Claim:", "Run:", "Needs:", "Cost:", "Ours:", "Differs:"):
        assert f"# {word}" in text, word
    assert f"experiment={name}" in text


def cfg_as_plain(cfg: object) -> object:
    from omegaconf import OmegaConf

    return OmegaConf.to_container(cfg, resolve=True)
