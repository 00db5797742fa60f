"""What runs are called on the board: those that belong together are in one group."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from kdiqa.board.naming import earlier, handed_down, name_run
from tests.runs import composed


def named(folder: Path, *words: str) -> DictConfig:
    cfg = composed("experiment=akd_demo", "logger=wandb", "seed=2", *words, folder=folder)
    name_run(cfg, folder)
    return cfg


def test_run_is_named_by_experiment_and_seed(tmp_path: Path) -> None:
    wandb = named(tmp_path / "run 7").logger.wandb
    assert (wandb.name, wandb.group, wandb.job_type) == (
        "akd_demo-s2",
        "akd_demo-run 7",
        "student",
    )
    assert wandb.tags == ["student with teacher", "demo", "split 0"]
    assert wandb.id is None


def test_what_the_user_has_named_stays(tmp_path: Path) -> None:
    wandb = named(tmp_path, "logger.wandb.group=mine", "logger.wandb.name=this").logger.wandb
    assert (wandb.name, wandb.group) == ("this", "mine")


def test_teachers_and_weights_chosen_on_test_are_marked(tmp_path: Path) -> None:
    cfg = named(tmp_path, "experiment=teacher_demo", "protocol=paper")
    assert cfg.logger.wandb.job_type == "teacher"
    assert cfg.logger.wandb.tags[-1] == "selected on test"


def test_jobs_of_a_multirun_a_sweep_or_a_study_are_one_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = composed("experiment=akd_demo", "logger=wandb", folder=tmp_path)
    hydra = HydraConfig.instance().cfg
    assert hydra is not None
    OmegaConf.set_readonly(hydra.hydra, False)
    with open_dict(hydra):
        hydra.hydra.mode, hydra.hydra.sweep.dir = RunMode.MULTIRUN, "logs/multiruns/2026-11"
    name_run(cfg, tmp_path / "0")
    assert cfg.logger.wandb.group == "akd_demo-2026-11"
    monkeypatch.setenv("WANDB_SWEEP_ID", "s4w3p")
    assert named(tmp_path).logger.wandb.group == "akd_demo-s4w3p"
    monkeypatch.setenv("WANDB_RUN_GROUP", "real_tid2013")
    assert named(tmp_path).logger.wandb.group == "real_tid2013"


def test_teacher_and_comparison_join_the_group_of_the_run_that_starts_them(tmp_path: Path) -> None:
    cfg = named(tmp_path, "logger.wandb.project=p", "logger.wandb.group='it\\'s'")
    words = handed_down(cfg, "student without teacher")
    assert words == [
        "logger=wandb",
        "++logger.wandb.project=p",
        "++logger.wandb.entity=null",
        "++logger.wandb.offline=true",
        "++logger.wandb.group='it\\'s'",
        "++logger.wandb.name=akd_demo-student_without_teacher-s2",
    ]
    other = composed("experiment=akd_demo", *words, folder=tmp_path / "other")
    assert other.logger.wandb.group == "it's"
    assert handed_down(composed(folder=tmp_path / "csv"), "teacher") == []


def test_run_that_goes_on_is_the_same_run_there(tmp_path: Path) -> None:
    (tmp_path / "wandb" / "offline-run-20261125_190000-abc12345").mkdir(parents=True)
    (tmp_path / "wandb" / "latest-run").symlink_to("offline-run-20261125_190000-abc12345")
    assert earlier(tmp_path) == "abc12345"
    assert named(tmp_path, "resume=true").logger.wandb.id == "abc12345"
    assert named(tmp_path).logger.wandb.id is None


def test_without_that_logger_nothing_is_named(tmp_path: Path) -> None:
    cfg = composed("experiment=akd_demo", folder=tmp_path)
    before = OmegaConf.to_yaml(cfg)
    name_run(cfg, tmp_path)
    assert OmegaConf.to_yaml(cfg) == before
