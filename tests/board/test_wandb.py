"""Real offline runs: a multirun whose second job fails, and an evaluation; read back whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from kdiqa import evaluate
from tests.board.records import Board
from tests.runs import STUDENT, TEACHER, train, write_weights
from tests.waiting import PATIENCE

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> Path:
    """Returns the folder of a multirun: job 0 trains from a teacher, job 1 fails in a step."""
    home = tmp_path_factory.mktemp("wandb")
    weights = write_weights(home / "weights.pth")
    root = (f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}")
    teacher = train(*TEACHER, *root, "trainer.max_epochs=1", folder=home / "teacher")
    words = [
        *STUDENT,
        *root,
        f"teacher={teacher}",
        "trainer.max_epochs=1",
        "logger=wandb",
        "seed=3",
    ]
    swept = ["module.pair=[image,second],[image,nowhere]", f"hydra.sweep.dir={home / 'swept'}"]
    done = subprocess.run(
        [sys.executable, "-m", "kdiqa.train", "-m", *words, *swept],
        timeout=PATIENCE, capture_output=True, text=True, check=False,
        # a service of its own: one that an earlier test began would hold these runs open
        env={name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"},
    )  # fmt: skip
    assert done.returncode == 1
    assert (
        "RuntimeError: The batch holds no 'nowhere' image, only ['image', 'second']. Give"
        " data.pairs.nowhere a pairing (second=redistorted or second=reference), or compare the image"
        " with itself (second=none).\n"
    ) in done.stderr
    assert (home / "swept/0/results.json").is_file(), done.stderr
    return home / "swept"


def board(folder: Path) -> Board:
    (left,) = (folder / "wandb").glob("offline-run-*")
    return Board(left)


def test_run_has_its_names_columns_curves_and_panels(jobs: Path) -> None:
    made = board(jobs / "0")
    assert (made.run.display_name, made.run.run_group) == ("train-s3", "train-swept")
    assert (made.run.job_type, made.run.project) == ("student", "kdiqa")
    assert list(made.run.tags) == ["student", "tid2013", "split 0"]
    assert made.exit_code == 0
    assert made.config["trainer"]["max_epochs"] == 1
    curves = {
        *("train/loss", "train/loss_score", "train/weight_level0", "kd/agreement_srcc"),
        *("val/srcc", "val/plcc", "val/plcc_fit", "val/krcc", "val/rmse", "teacher/val_srcc"),
        *("optim/lr-head", "perf/img_per_s", "perf/data_wait", "test/srcc", "epoch"),
    }
    panels = {
        *("test/predictions", "test/scatter_table", "test/best", "test/worst"),
        *("test/best_images", "test/worst_images", "test/by_distortion"),
        *("kd/level_weights", "kd/level_weights_by_epoch", "kd/confusion_table", "kd/both"),
        *("figures/score_against_opinion", "figures/teacher_and_student"),
    }
    assert curves | panels <= set(made.history)
    for name in ("test/best_images", "test/worst_images", "kd/level_weights"):
        files, _ = made.images(name)
        assert files, name
        assert all(file.stat().st_size for file in files), name
    assert {"test/tid2013/srcc", "val/srcc_best", "selected_on"} <= set(made.summary)
    assert made.metrics["val/srcc"].summary.max
    assert made.metrics["val/rmse"].summary.min
    assert (jobs / "0" / "metrics.csv").is_file()


def test_failed_job_is_a_failed_run_of_its_own_in_the_same_group(jobs: Path) -> None:
    made = board(jobs / "1")
    assert made.run.run_id != board(jobs / "0").run.run_id
    assert made.run.run_group == "train-swept"
    assert made.exit_code == 1
    assert "test/srcc" not in made.history


def test_evaluation_is_a_run_beside_the_one_it_evaluates(jobs: Path, fake_data: Path) -> None:
    roots = {"biq2021": str(fake_data / "biq2021")}
    given = {"run": str(jobs / "0"), "data": "biq2021", "root": roots, "logger": "wandb"}
    (folder,) = evaluate.run(
        OmegaConf.merge(OmegaConf.structured(evaluate.Command), given, {"teacher": False})
    ).values()
    made = board(folder)
    assert (made.run.display_name, made.run.job_type) == ("train-s3-on-biq2021", "eval")
    assert made.run.run_group == board(jobs / "0").run.run_group
    assert list(made.run.tags) == ["student", "biq2021", "split 0"]
    assert {"test/predictions", "test/worst_images", "figures/score_against_opinion"} <= set(
        made.history
    )
    assert "test/biq2021/srcc" in made.summary
    assert made.exit_code == 0
