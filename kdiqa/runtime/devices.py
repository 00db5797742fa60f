"""What computes: the device, the GPUs of each of several jobs, the thread of each worker."""

import os
import re
import signal
import sys
from collections.abc import Sequence
from multiprocessing import current_process
from typing import Any

WORKER = re.compile(r"LokyProcess-(\d+)")  # joblib's name of its processes


def auto_device() -> str:
    """Returns ``cuda`` where there is a GPU, else ``cpu``."""
    import torch  # here, as a study's runner waits for no library

    return "cuda" if torch.cuda.is_available() else "cpu"


def one_thread(worker: int = 0) -> None:
    """Computes in one thread from here on: several such processes share the cores best."""
    import cv2

    cv2.setNumThreads(0)
    if "torch" in sys.modules:  # who only distorts images does not wait for it
        sys.modules["torch"].set_num_threads(1)


def one_thread_without_interrupts(worker: int = 0) -> None:
    """Computes in one thread, and leaves Ctrl-C to the main process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    one_thread()


def visible() -> list[str]:
    """Returns the CUDA devices that jobs share out, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def share(devices: Sequence[str], index: int, num: int = 1) -> list[str]:
    """Returns the devices of one of several jobs, in turn.

    Args:
        devices: All there are.
        index: Of the job among those that run at once, from 0.
        num: Devices a job needs.

    Example:
        >>> [share(["0", "1", "2", "3"], index) for index in (0, 1, 4)]
        [['0'], ['1'], ['0']]
        >>> [share(["0", "1", "2", "3"], index, 2) for index in (0, 1, 2)]
        [['0', '1'], ['2', '3'], ['0', '1']]
    """
    turns = max(1, len(devices) // num)
    start = index % turns * num
    return list(devices[start : start + num])


def take(wanted: Any) -> None:
    """Leaves a process of joblib's its own share of the GPUs; any other keeps them all.

    Without it every job of ``launcher=joblib`` would take the first device. A process keeps its
    share for all jobs that it runs, as CUDA reads the variable once. Where ``trainer.devices`` is no
    number, the choice is the trainer's.
    """
    worker = WORKER.fullmatch(current_process().name)
    if worker is None or not isinstance(wanted, int) or wanted < 1:
        return
    devices = visible()
    if len(devices) > wanted:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(share(devices, int(worker[1]) - 1, wanted))
