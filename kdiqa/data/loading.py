"""What all loaders of batches share."""

from __future__ import annotations

import cv2
from torch import Tensor
from torch.utils.data import DataLoader

Loader = DataLoader[dict[str, Tensor]]


def one_thread(worker: int) -> None:
    """Keeps the threads of all workers together from outnumbering the cores."""
    cv2.setNumThreads(0)
