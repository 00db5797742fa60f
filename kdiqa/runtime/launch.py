"""Other processes of ours: the ranks of a DDP run, and the jobs an experiment is made of."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from kdiqa.config.compose import quoted
from kdiqa.runtime.signals import reason

RESOLVED = "config_resolved.yaml"
PART_OF_A_RUN = "KDIQA_PART_OF_A_RUN"  # in the environment of a job that another run started
RANK_VARIABLES = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT")
WANDB_VARIABLES = ("WANDB_RUN_ID", "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH")  # of one run alone


def share_config_with_ranks(folder: Path, allow: Sequence[str] = ()) -> None:
    """Makes Lightning start further ranks from the first one's resolved configuration.

    Lightning would repeat the command line instead: under a sweeper each rank would then draw its
    own hyper-parameters, without an error.

    Args:
        folder: The run's, which holds :data:`RESOLVED`.
        allow: Packages that a person has typed: a configuration may not allow itself any.
    """
    # Here, as a study's runner needs the rest of this file and no second of loading.
    from lightning.fabric.strategies.launchers import subprocess_script as fabric_script
    from lightning.pytorch.strategies.launchers import subprocess_script as trainer_script

    workdir = HydraConfig.get().runtime.cwd

    def command(local_rank: int, *unused: object) -> tuple[list[str], str]:
        words = [
            *(sys.executable, "-m", "kdiqa.train"),
            *("--config-path", str(folder.resolve())),
            *("--config-name", Path(RESOLVED).stem),
            f"hydra.run.dir={quoted(folder)}",
            "hydra.output_subdir=null",
            f"hydra.job.name=rank{local_rank}",
            "hydra.mode=RUN",
            *([f"allow=[{','.join(allow)}]"] if allow else []),
        ]
        return words, workdir

    for script in (trainer_script, fabric_script):
        script._hydra_subprocess_cmd = command  # type: ignore[attr-defined]


@contextmanager
def ranks_end_here() -> Iterator[None]:
    """Ends the ranks with the run, so that a multirun's next job starts its own.

    Lightning leaves its process group and the variables of the first rank behind: the next job
    would take itself for a rank that somebody else has started, and wait for the others.
    """
    before = {name: os.environ.get(name) for name in RANK_VARIABLES}
    try:
        yield
    finally:
        import torch.distributed as dist

        if dist.is_available() and dist.is_initialized():
            dist.destroy_process_group()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_job(overrides: Sequence[str], folder: Path) -> None:
    """Trains in a process of its own, resuming what is in its folder, and waits for it.

    Raises:
        ChildFailed: If it did not finish; it has said why itself.
    """
    command = [sys.executable, "-m", "kdiqa.train", *overrides]
    own = (*RANK_VARIABLES, *WANDB_VARIABLES)
    environment = {k: v for k, v in os.environ.items() if k not in own}
    environment[PART_OF_A_RUN] = "1"
    words = [f"run={quoted(folder)}", "resume=true"]
    process = subprocess.Popen([*command, *words], env=environment)
    try:
        code = process.wait()
    except KeyboardInterrupt as error:
        if reason(error) != signal.SIGINT:
            process.terminate()
        process.wait()  # after Ctrl-C the terminal has told it as well: let it close its files
        raise
    if code:
        raise ChildFailed(code)


class ChildFailed(Exception):
    """A job ended with an error, which it has printed; the argument is its exit status."""
