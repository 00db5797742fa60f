"""torchrun starts the processes: one run, one folder, the weights of Lightning's own start."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch

from kdiqa.runtime import ranks
from tests.launchers.jobs import ON_TWO, train
from tests.runs import STUDENT, planned

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


@pytest.mark.ddp
@pytest.mark.process
def test_two_processes_of_torchrun_train_what_lightnings_do(
    tmp_path: Path, fake_data: Path
) -> None:
    words = (*ON_TWO, f"data.root={fake_data / 'tid2013'}")
    for name, begin in (("torchrun", TORCHRUN), ("lightning", (sys.executable,))):
        (tmp_path / name).mkdir()
        done = train(*words, cwd=tmp_path / name, begin=begin)
        assert done.returncode == 0, done.stderr
    weights = []
    for name in ("torchrun", "lightning"):
        (folder,) = (tmp_path / name / "logs/train/runs").iterdir()  # of both ranks
        assert (folder / "results.json").is_file()
        last = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
        weights.append(last["state_dict"])
    torch.testing.assert_close(*weights, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, None),
        ({"LOCAL_RANK": "1", "WORLD_SIZE": "2"}, None),  # Lightning's own
        ({"TORCHELASTIC_RUN_ID": "none", "RANK": "0", "WORLD_SIZE": "1"}, None),
        (
            {"TORCHELASTIC_RUN_ID": "none", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "0"},
            (3, 4),
        ),
        ({"SLURM_NTASKS": "1", "SLURM_PROCID": "0"}, None),
        ({"SLURM_NTASKS": "8", "SLURM_PROCID": "4", "SLURM_LOCALID": "0"}, (4, 8)),
    ],
)
def test_only_rank_zero_of_all_nodes_is_first(
    variables: dict[str, str], found: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOCAL_RANK", "NODE_RANK", "RANK", "WORLD_SIZE", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ranks.external() == found
    assert ranks.is_first() is (variables.get("RANK", "0") == "0" and not found
                                and "LOCAL_RANK" not in variables)  # fmt: skip


def test_multirun_under_torchrun_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TORCHELASTIC_RUN_ID", "none"), ("RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refused:
        ranks.agreed(["-m", "seed=0,1"])
    assert str(refused.value) == (
        "kdiqa train: torchrun and srun start the processes of one run, and a multirun is many."
        " Leave -m out,\nor leave torchrun out: python -m kdiqa.train -m … trainer=ddp starts the"
        " processes of each job."
    )
    assert ranks.agreed(["seed=0", "--cfg", "job"]) == ["seed=0", "--cfg", "job"]


def test_run_under_torchrun_trains_no_teacher_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TORCHELASTIC_RUN_ID", "none"), ("RANK", "0"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    message = (
        "Under torchrun or srun a run starts no other runs. Train its teacher, or its first stage, by"
        " itself,\nthen set teacher=RUN, or start=CHECKPOINT pretrain=null; and compare=null."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        planned(*STUDENT, "teacher=train", folder=tmp_path)
