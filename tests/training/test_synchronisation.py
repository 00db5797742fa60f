"""The watch over steps sees every way of asking a GPU for a value.

Which steps it watches: all of tests/test_ablations.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from lightning.fabric.utilities.apply_func import move_data_to_device
from torch import Tensor

from tests.synchronisation import HostSynchronisation, no_synchronisation

ASKING: dict[str, Callable[[Tensor], object]] = {
    "item": lambda x: x.item(),
    "float": lambda x: float(x),
    "int": lambda x: int(x),
    "bool": lambda x: 1 if x else 0,
    "index": lambda x: [1, 2][x.long()],
    "list": lambda x: x.tolist(),
    "cpu": lambda x: x.cpu(),
    "numpy": lambda x: x.numpy(),
    "mask": lambda x: x[x > 0],
    "nonzero": lambda x: x.nonzero(),
    "equal": lambda x: torch.equal(x, x),
}


@pytest.mark.parametrize("way", ASKING)
def test_watch_sees_a_tensor_asked_for_its_value(way: str) -> None:
    with pytest.raises(HostSynchronisation), no_synchronisation():
        ASKING[way](torch.ones(()))
    ASKING[way](torch.ones(()))


def test_watch_lets_arithmetic_pass() -> None:
    with no_synchronisation():
        x = torch.ones(3, requires_grad=True)
        x.square().mean().backward()
    assert x.grad is not None


def test_lightning_moves_batches_without_waiting_for_the_copy() -> None:
    moved: list[bool] = []

    class Seen(Tensor):
        def to(self, *unused: object, non_blocking: bool = False) -> Tensor:  # type: ignore[override]
            moved.append(non_blocking)
            return self

    batch = {"pyramids": {"image": [torch.ones(2).as_subclass(Seen)]}}
    move_data_to_device(batch, torch.device("cuda", 0))
    assert moved == [True]
