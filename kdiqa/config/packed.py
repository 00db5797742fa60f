"""A student in one small file: weights as safetensors, and in its head how to score with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdiqa.files.bounded import MAX_BYTES, PlainError, from_json

if TYPE_CHECKING:  # loaded where it is used: who only composes waits for no torch
    import torch

SUFFIX = ".safetensors"
PACKED = ("format", "version", "net", "config", "pair", "seed", "data")  # of the description


def write_packed(content: Mapping[str, Any], path: Path, dtype: torch.dtype) -> None:
    """Writes a student's net, without optimizer, distiller and history.

    Args:
        content: A checkpoint's.
        path: Of the new file.
        dtype: In which the matrices of linear layers are stored, which are read as float32 again.
            All else stays as it is: filters that sum to zero, means, variances.
    """
    from safetensors.torch import save_file

    state = {key: value for key, value in content["state_dict"].items() if key[:4] == "net."}
    stored = {
        key: (value.to(dtype) if value.ndim == 2 else value).contiguous()
        for key, value in state.items()
    }
    description = {key: content["kdiqa"][key] for key in PACKED}
    save_file(stored, path, {"kdiqa": json.dumps(description, sort_keys=True)})


def read_packed(path: Path) -> dict[str, Any]:
    """Returns what :func:`write_packed` wrote, as a checkpoint's content; nothing in it is code.

    Raises:
        ValueError: If the file is damaged, or its head does not say which net it holds.
    """
    from safetensors import SafetensorError, safe_open

    try:
        _check_head(path)
        with safe_open(path, "pt") as file:
            description = (file.metadata() or {}).get("kdiqa")
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, PlainError) as error:
        raise ValueError(
            f"'{path}' cannot be read as safetensors ({error}): it is damaged. Pack the run again,"
            " or give its run folder."
        ) from error
    if description is None:
        raise ValueError(
            f"'{path}' was not packed by kdiqa: it does not say which net its weights belong to."
            " Backbone weights go to backbone.weights."
        )
    try:
        described = from_json(description)
    except PlainError as error:
        raise ValueError(
            f"'{path}' was not packed by kdiqa: its head is not read, {error}"
        ) from error
    if not isinstance(described, dict):
        raise ValueError(f"'{path}' was not packed by kdiqa: its head is no mapping.")
    floats = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    return {"kdiqa": described, "state_dict": floats}


def _check_head(path: Path) -> None:
    """Raises where a file's head is larger than any that describes a student."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
    if size > MAX_BYTES:
        raise PlainError(f"its head has {size:,} bytes")
