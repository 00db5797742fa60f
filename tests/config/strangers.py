"""Files as strangers send them: the golden checkpoint, saying other things of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from safetensors.torch import save_file

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.packed import PACKED

GOLDEN = Path(__file__).parents[1] / "golden" / "format_2.ckpt"
# Of TID2013's fake, one image to a net: nothing but its own class is in question.
HEAD = {"_target_": "kdiqa.models.pooled.ScoreHead", "_partial_": True, "start": 0.0}
BACKBONE = {
    "_target_": "kdiqa.models.backbone.Backbone",
    "name": "log_filters",
    "weights": "random",
    "options": {},
    "pyramid": {"_target_": "kdiqa.models.levels.Levels", "levels": 2, "grid": 2, "norm": "none"},
    "passes": {"_target_": "kdiqa.models.backbone.Passes", "chunk": 8, "compiled": False},
}
POOLED = {"_target_": "kdiqa.models.pooled.PooledNet", "backbone": BACKBONE, "head": HEAD}


def golden() -> dict[str, Any]:
    """Returns the content of the golden checkpoint."""
    return Checkpoint.read(GOLDEN).content


def write(path: Path, description: Any, state: Any = None) -> Path:
    """Writes a checkpoint, or a packed student, that says this of itself."""
    state = golden()["state_dict"] if state is None else state
    if path.suffix == ".safetensors":
        text = description if isinstance(description, str) else json.dumps(description)
        save_file({k: v.contiguous() for k, v in state.items()}, path, {"kdiqa": text})
    else:
        torch.save({"kdiqa": description, "state_dict": state, "epoch": 0}, path)
    return path


def changed(path: Path, **parts: Any) -> Path:
    """Writes the golden checkpoint with other things said of itself."""
    description = golden()["kdiqa"] | parts
    if path.suffix == ".safetensors":
        description = {key: description[key] for key in PACKED}
    return write(path, description)


def config(**data: Any) -> str:
    """Returns the golden checkpoint's configuration, with other words on its data."""
    node = OmegaConf.create(golden()["kdiqa"]["config"])
    for key, value in data.items():
        node.data[key] = value
    return OmegaConf.to_yaml(node)


def net(node: dict[str, Any]) -> str:
    """Returns the description of a net."""
    return OmegaConf.to_yaml(OmegaConf.create(node))


def student(path: Path, node: dict[str, Any], made: torch.nn.Module, **data: Any) -> Path:
    """Writes a student of one image: a net that was made elsewhere, and how it is described."""
    description = golden()["kdiqa"] | {"net": net(node), "pair": ["image"]}
    description["config"] = config(pairs={}, **data)
    return write(path, description, {f"net.{k}": v for k, v in made.state_dict().items()})
