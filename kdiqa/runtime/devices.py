"""Which GPUs are whose, where several jobs run at once on one machine."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from multiprocessing import current_process
from typing import Any

WORKER = re.compile(r"LokyProcess-(\d+)")  # what joblib calls its processes


def visible() -> list[str]:
    """Returns the CUDA devices that jobs share out, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def share(devices: Sequence[str], place: int, num: int = 1) -> list[str]:
    """Returns the devices of the job in a place, in turn.

    Args:
        devices: All there are.
        place: Of the job among those that run at once, from 0.
        num: Devices a job needs.

    Example:
        >>> [share(["0", "1", "2", "3"], place) for place in (0, 1, 4)]
        [['0'], ['1'], ['0']]
        >>> [share(["0", "1", "2", "3"], place, 2) for place in (0, 1, 2)]
        [['0', '1'], ['2', '3'], ['0', '1']]
    """
    turns = max(1, len(devices) // num)
    start = place % turns * num
    return list(devices[start : start + num])


def take(wanted: Any) -> None:
    """Leaves a process of joblib's its own share of the GPUs; any other keeps them all.

    Without it every job of ``launcher=joblib`` would take the first device. A process keeps its
    share for all jobs that it runs, as CUDA reads the variable once.

    Args:
        wanted: ``trainer.devices``: a number; anything else leaves the choice to the trainer.
    """
    worker = WORKER.fullmatch(current_process().name)
    if worker is None or not isinstance(wanted, int) or wanted < 1:
        return
    devices = visible()
    if len(devices) > wanted:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(share(devices, int(worker[1]) - 1, wanted))
