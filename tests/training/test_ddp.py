"""Two processes: the same weights on both, and a resume that is exact."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from kdiqa.config.checkpoint import Checkpoint
from tests.runs import STUDENT, TEACHER, train, write_weights
from tests.training.own import OwnNet
from tests.waiting import PATIENCE, until

TWO = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")


@pytest.fixture(scope="module")
def common(home: Path, fake_data: Path) -> tuple[str, ...]:
    weights = write_weights(home / "weights.pth")
    root = (f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}")
    teacher = train(*TEACHER, *root, "trainer.max_epochs=1", folder=home / "teacher")
    return (*root, f"teacher={teacher}")


def command(*overrides: str) -> list[str]:
    return [sys.executable, "-m", "kdiqa.train", *overrides]


def call(*overrides: str, folder: Path) -> Path:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(
        command(*overrides, f"run={folder}"), check=True, env=environment, timeout=PATIENCE,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.mark.ddp
@pytest.mark.process
def test_two_processes_resume_where_the_whole_run_ends(
    home: Path, common: tuple[str, ...]
) -> None:
    words = [w for w in STUDENT if not w.startswith("trainer")]
    words = [*words, *common, "distiller/weighting=dwa", *TWO, "module.scheduler.T_max=2"]
    whole = call(*words, "trainer.max_epochs=2", folder=home / "whole")
    half = call(*words, "trainer.max_epochs=1", folder=home / "half")
    (half / "results.json").unlink()
    call(*words, "trainer.max_epochs=2", "resume=true", folder=half)
    torch.testing.assert_close(weights(whole), weights(half), rtol=0, atol=0)

    rows = pd.read_csv(whole / "predictions" / "test.csv")
    assert rows["id"].is_unique
    assert not list(home.glob("logs*"))


@pytest.mark.process
def test_killed_run_ends_where_the_undisturbed_one_does(
    home: Path, common: tuple[str, ...]
) -> None:
    words = (*STUDENT, *common, "trainer.max_epochs=4")
    whole = train(*words, folder=home / "undisturbed")
    folder = home / "killed"
    process = subprocess.Popen(
        command(*words, f"run={folder}"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until((folder / "checkpoints" / "last.ckpt").is_file, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "results.json").exists()
    call(*words, "resume=true", folder=folder)
    torch.testing.assert_close(weights(whole), weights(folder), rtol=0, atol=0)


@pytest.mark.ddp
@pytest.mark.process
def test_two_processes_of_each_job_of_a_multirun_have_its_values(
    home: Path, common: tuple[str, ...]
) -> None:
    words = [w for w in STUDENT if not w.startswith("trainer")]
    words += [*common, *TWO, "distill=false", "trainer.max_epochs=1"]
    swept = ["-m", *words, "module.optimizer.lr=1e-3,1e-4"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command(*swept, f"hydra.sweep.dir={home / 'multirun'}"), env=environment, timeout=PATIENCE,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folders = sorted(path.parent for path in (home / "multirun").glob("*/results.json"))
    assert [folder.name for folder in folders] == ["0", "1"]  # and no rank made one of its own
    for folder, rate in zip(folders, (1e-3, 1e-4), strict=True):
        rates = pd.read_csv(folder / "metrics.csv")["optim/lr-head"].dropna()
        assert rates.tolist() == pytest.approx([rate])
    # Had the second rank another rate, its gradients would be of other weights.
    alone = call(*words, "module.optimizer.lr=1e-4", folder=home / "alone")
    torch.testing.assert_close(weights(alone), weights(folders[1]), rtol=0, atol=0)


@pytest.mark.ddp
@pytest.mark.process
def test_what_a_person_allows_reaches_the_teacher_and_all_processes(
    home: Path, common: tuple[str, ...], fake_data: Path
) -> None:
    own = "module.net._target_=tests.training.own.OwnNet"
    groups = ("data", "module", "net", "second", "distiller", "backbone", "trainer")
    tiny = [word for word in TEACHER if word.split("=")[0] not in groups]
    tiny += [f"data.root={fake_data / 'kadid10k'}", common[1], "backbone=mobilenetv2_100"]
    told = ",".join(f"'{word}'" for word in [*tiny, own, "trainer.max_epochs=1"])
    words = [w for w in STUDENT if not w.startswith("trainer")]
    words += [*common[:2], *TWO, own, "trainer.max_epochs=1", "teacher=train"]
    words += ["teacher_experiment=teacher_kadid10k", f"teacher_overrides=[{told}]"]
    done = subprocess.run(
        command(*words, f"run={home / 'refused'}"), timeout=PATIENCE, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "is built where you type allow=[mypackage]" in done.stderr
    folder = call(*words, "allow=[tests.training.own]", folder=home / "own")
    for run in (folder, folder / "teacher"):
        checkpoint = Checkpoint.read(run, allow=["tests.training.own"])
        assert type(checkpoint.net()) is OwnNet
        with pytest.raises(ValueError, match="name it yourself"):
            Checkpoint.read(run).net()
