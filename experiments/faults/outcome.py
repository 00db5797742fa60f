"""All of a run that must not depend on how often it was killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import torch


def outcome(folder: Path) -> dict[str, Any]:
    """Returns all of a run that must not depend on how often it was killed."""
    found: dict[str, Any] = {
        "metrics": json.loads((folder / "results.json").read_text())["metrics"],
        "leftovers": [path.name for path in folder.rglob("*.part")],
    }
    for part in ("val", "test"):
        found[part] = (folder / "predictions" / f"{part}.csv").read_bytes()
    for name in ("best", "last"):
        held = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
        found[name] = plain([held["state_dict"], held["optimizer_states"], held["epoch"]])
    curves = pd.read_csv(folder / "metrics.csv")
    kept = [name for name in sorted(curves) if not name.startswith(("perf/", "step"))]
    by_epoch = curves[kept].groupby("epoch").first()
    found["curves"] = by_epoch.round(6).fillna(0.0).to_dict()
    return found


def plain(node: Any) -> Any:
    """Returns containers with their tensors as bytes, to be compared."""
    if isinstance(node, torch.Tensor):
        return node.numpy().tobytes()
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items()}
    return [plain(value) for value in node] if isinstance(node, list | tuple) else node
