"""Submitit: a job in a process of this machine, and what Slurm would be asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.launchers.jobs import ALONE, needs, train

pytestmark = pytest.mark.process

# What a cluster's commands say. The job fails at once: what is looked at is how it was asked for.
SBATCH = '#!/bin/sh\ncp "$1" "{home}/asked.sh"\necho "Submitted batch job 4321"\n'
SACCT = '#!/bin/sh\necho "JobID|State|NodeList"\nfor i in 0 1 2 3 4 5 6 7 8 9; do echo "4321_$i|FAILED|n1"; done\n'


def test_local_executor_runs_a_job_of_a_multirun(tmp_path: Path, fake_data: Path) -> None:
    needs("hydra_submitit_launcher")
    words = [
        *ALONE,
        f"data.root={fake_data / 'tid2013'}",
        "hydra/launcher=submitit_local",
        "seed=5",
    ]
    done = train("-m", *words, f"hydra.sweep.dir={tmp_path / 'swept'}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "swept/0/results.json").read_text())["seed"] == 5
    assert list((tmp_path / "swept/.submitit").iterdir())


def test_slurm_is_asked_for_what_the_configuration_says(tmp_path: Path) -> None:
    needs("hydra_submitit_launcher")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in (("sbatch", SBATCH), ("sacct", SACCT), ("srun", "#!/bin/sh\n")):
        (commands / name).write_text(text.format(home=tmp_path))
        (commands / name).chmod(0o755)
    words = [*ALONE, "launcher=submitit_slurm", "seed=range(10)", "hydra.launcher.partition=gpu"]
    words += ["hydra.launcher.max_num_timeout=3", f"hydra.sweep.dir={tmp_path / 'swept'}"]
    done = train("-m", *words, cwd=tmp_path, PATH=f"{commands}:/usr/bin:/bin")
    assert done.returncode != 0
    asked = (tmp_path / "asked.sh").read_text()
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)$", asked, re.MULTILINE))
    wanted = {
        **{"array": "0-9%8", "cpus-per-task": "8", "gpus-per-node": "1", "mem": "32GB"},
        **{"nodes": "1", "ntasks-per-node": "1", "partition": "gpu", "time": "720"},
        **{"job-name": "train", "signal": "USR2@120"},
    }
    assert {name: options.get(name) for name in wanted} == wanted
    assert "srun" in asked
    assert "submitit.core._submit" in asked
