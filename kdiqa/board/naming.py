"""What a run is called on W&B, so that a multirun, a study or a sweep reads as one group."""

import os
import re
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from kdiqa.config.compose import quoted
from kdiqa.config.instantiate import target_of
from kdiqa.metrics.selection import MARK, chosen_on_test


def name_run(cfg: Any, folder: Path) -> None:
    """Fills in what ``logger.wandb`` leaves open; without that logger it does nothing.

    The name is ``<experiment>-s<seed>``. The group is the experiment with the multirun's folder,
    the sweep's id, or the run's own folder, whose teacher and comparisons join it. A run that goes
    on where it stopped keeps its id, and stays one run on W&B.
    """
    node = cfg.logger.get("wandb") if cfg.logger else None
    if node is None:
        return
    experiment = HydraConfig.get().runtime.choices.get("experiment") or str(cfg.task)
    filled: dict[str, Any] = {
        "name": f"{experiment}-s{cfg.seed}",
        "group": group(experiment, folder),
        "job_type": getattr(target_of(cfg.module), "role", "student"),
        "tags": tags(cfg),
        "id": earlier(folder) if cfg.resume else None,
    }
    for key, value in filled.items():
        if value is not None and node.get(key) is None:
            node[key] = value


def group(experiment: str, folder: Path) -> str:
    """Returns the group of a run, which is in ``folder``: what it is a part of."""
    given = os.environ.get("WANDB_RUN_GROUP")  # a study's runs, or the user's wish
    if given:
        return given
    hydra = HydraConfig.get()
    swept = Path(str(hydra.sweep.dir)).name if hydra.mode == RunMode.MULTIRUN else None
    return f"{experiment}-{os.environ.get('WANDB_SWEEP_ID') or swept or folder.resolve().name}"


def tags(cfg: Any) -> list[str]:
    """Returns what runs are filtered by: variant, data, split, and how the weights were chosen."""
    data = str(cfg.data._target_).split(".")[-2]
    words = [str(cfg.name), data, f"split {cfg.split}"]
    if chosen_on_test({"selected_on": cfg.callbacks.checkpoint.monitor}):
        words.append(MARK)
    return [word[:64] for word in words]  # longer ones are refused


def earlier(folder: Path) -> str | None:
    """Returns the id that a run had on W&B before it stopped; None where it had none."""
    runs = sorted((folder / "wandb").glob("*run-*-*"), key=lambda path: path.stat().st_mtime)
    return runs[-1].name.rsplit("-", 1)[-1] if runs else None


def handed_down(cfg: Any, variant: str) -> list[str]:
    """Returns the overrides that put a run's teacher or comparison into its group on W&B.

    Args:
        cfg: Of the run that starts it, named.
        variant: What the other one is.
    """
    if not cfg.logger or cfg.logger.get("wandb") is None:
        return []
    wandb = cfg.logger.wandb
    name = re.sub(r"-s\d+$", "", wandb.name)
    shared = {key: wandb[key] for key in ("project", "entity", "offline", "group") if key in wandb}
    shared["name"] = f"{name}-{variant.replace(' ', '_')}-s{cfg.seed}"
    return ["logger=wandb", *(f"++logger.wandb.{k}={quoted(v)}" for k, v in shared.items())]
