"""Processes of one run that somebody else has started: torchrun, or Slurm's srun.

Lightning finds out by itself what they are. Here they agree on what each would else decide alone:
which folder the run has, and that the first of them prepares data and features before the others
read them.
"""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

PATIENCE = timedelta(days=1)  # for the first rank to compute the features of a large data set
PRINTS_ONLY = {"--help", "-h", "--cfg", "-c", "--info", "-i", "--hydra-help", "--version"}


def external() -> tuple[int, int] | None:
    """Returns this process's rank and how many there are; None where it is the only one."""
    if "TORCHELASTIC_RUN_ID" in os.environ and "RANK" in os.environ:
        rank_and_count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        return rank_and_count if rank_and_count[1] > 1 else None
    if int(os.environ.get("SLURM_NTASKS", "1")) > 1 and "SLURM_PROCID" in os.environ:
        return int(os.environ["SLURM_PROCID"]), int(os.environ["SLURM_NTASKS"])
    return None


def is_first() -> bool:
    """Returns whether this process is the first of its run, whoever started it."""
    rank_and_count = external()
    if rank_and_count is not None:
        return rank_and_count[0] == 0
    return int(os.environ.get("LOCAL_RANK", 0)) == 0 and int(os.environ.get("NODE_RANK", 0)) == 0


def agreed(words: Sequence[str]) -> list[str]:
    """Returns a command line with which all ranks write to the first one's folder.

    Args:
        words: The command line, the same on all ranks.

    Raises:
        SystemExit: For a multirun: each rank would run its own.
    """
    rank_and_count = external()
    if rank_and_count is None or PRINTS_ONLY & set(words):
        return list(words)
    if {"-m", "--multirun"} & set(words):
        raise SystemExit(
            "kdiqa train: torchrun and srun start the processes of one run, and a multirun is many."
            " Leave -m out,\nor leave torchrun out: python -m kdiqa.train -m … trainer=ddp starts"
            " the processes of each job."
        )
    agreed_words = list(words)
    if not any(word.startswith("run=") for word in words):
        if is_first():
            _store().set("begun", datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f"))
        agreed_words.append("run=logs/${task}/runs/" + _store().get("begun").decode())
    if rank_and_count[0]:
        agreed_words += ["hydra.output_subdir=null", f"hydra.job.name=rank{rank_and_count[0]}"]
    return agreed_words


def wait_for_first() -> None:
    """Waits until the first rank has prepared what all of them read."""
    if external() is not None and not is_first():
        _store().get("prepared")


def let_others_go_on() -> None:
    """Ends the waiting of all other ranks."""
    if external() is not None and is_first():
        _store().set("prepared", "yes")


@cache
def _store() -> Any:
    """Returns what ranks leave each other notes in, before they form a group."""
    import torch.distributed as dist

    rank_and_count = external()
    assert rank_and_count is not None
    rank, count = rank_and_count
    if "TORCHELASTIC_RUN_ID" in os.environ:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    else:
        from lightning.fabric.plugins.environments import SLURMEnvironment

        slurm = SLURMEnvironment()
        address, port = slurm.main_address, slurm.main_port
    url = f"tcp://{address}:{port}?rank={rank}&world_size={count}"
    store, *_ = next(dist.rendezvous(url, timeout=PATIENCE))
    return dist.PrefixStore("kdiqa", store)
