"""Makes whatever would hold the processor up until a GPU is done raise, on a CPU too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

# What leaves torch in Python; what operators do inside, for instance indexing by a mask, is below.
LEAVES = ("item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__", "__index__")
OPERATORS = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "_unique2")


class HostSynchronisation(AssertionError):
    """A step asked for a value of a tensor."""


class Watch(TorchDispatchMode):
    """Raises at operators whose result's value or shape the processor must know."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in OPERATORS:
            raise HostSynchronisation(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def no_synchronisation() -> Iterator[None]:
    """Runs its body with every way of asking for a value closed."""

    def closed(name: str) -> Callable[..., NoReturn]:
        def asked(*unused: Any, **also: Any) -> NoReturn:
            raise HostSynchronisation(name)

        return asked

    with pytest.MonkeyPatch.context() as patch, Watch():
        for name in LEAVES:
            patch.setattr(torch.Tensor, name, closed(name))
        yield


def watched(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that may not ask for a value while it runs."""

    def called(*args: Any, **options: Any) -> Any:
        with no_synchronisation():
            return function(*args, **options)

    return called
