"""Short names for weights, so that two holders can tell whether they hold the same."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def digest(state: Mapping[str, Tensor], text: str = "") -> str:
    """Returns 12 hex digits that name tensors and a text, on any device.

    Example:
        >>> [digest({"w": torch.full((2,), value)}) for value in (0.0, 1.0)]
        ['e5868624950d', 'd79927bd5752']
    """
    hashed = hashlib.sha256(text.encode())
    for key, value in state.items():
        hashed.update(key.encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        hashed.update(flat.view(torch.uint8).numpy().tobytes())
    return hashed.hexdigest()[:12]
