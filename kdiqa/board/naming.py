"""What a run is called on the board, so that a multirun, a study or a sweep reads as one group."""

import os
import re
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from kdiqa.config.compose import quoted
from kdiqa.config.instantiate import target_of
from kdiqa.metrics.selection import chosen_on_test


def name_run(cfg: Any, folder: Path) -> None:
    """Fills in what ``logger.wandb`` leaves open; without that logger it does nothing.

    The name is ``<experiment>-s<seed>``. The group is the experiment with the multirun's folder,
    the sweep's id, or the run's own folder, whose teacher and comparisons join it. A run that goes
    on where it stopped keeps its id, and stays one run on the board.

    Args:
        cfg: The composed configuration.
        folder: Of this run.
    """
    node = cfg.logger.get("wandb") if cfg.logger else None
    if node is None:
        return
    experiment = HydraConfig.get().runtime.choices.get("experiment") or str(cfg.task)
    role = getattr(target_of(cfg.module), "role", "student")
    filled: dict[str, Any] = {
        "name": f"{experiment}-s{cfg.seed}",
        "group": group(experiment, folder),
        "job_type": role,
        "tags": tags(cfg),
    }
    if cfg.resume and (known := earlier(folder)):
        filled["id"] = known
    for key, value in filled.items():
        if node.get(key) is None:
            node[key] = value


def group(experiment: str, folder: Path) -> str:
    """Returns the group of a run: what it is a part of.

    Args:
        experiment: Its name.
        folder: Of the run.
    """
    given = os.environ.get("WANDB_RUN_GROUP")  # a study's runs, or the user's wish
    if given:
        return given
    told = HydraConfig.get()
    swept = Path(str(told.sweep.dir)).name if told.mode == RunMode.MULTIRUN else None
    return f"{experiment}-{os.environ.get('WANDB_SWEEP_ID') or swept or folder.resolve().name}"


def tags(cfg: Any) -> list[str]:
    """Returns what runs are filtered by: variant, data, split, and how the weights were chosen."""
    data = str(cfg.data._target_).split(".")[-2]
    made = [str(cfg.name), data, f"split {cfg.split}"]
    marked = chosen_on_test({"selected_on": cfg.callbacks.checkpoint.monitor})
    return [tag[:64] for tag in [*made, *["selected on test"] * marked]]  # longer ones are refused


def earlier(folder: Path) -> str | None:
    """Returns the id that a run had on the board before it stopped; None where it had none."""
    found = sorted((folder / "wandb").glob("*run-*-*"), key=lambda path: path.stat().st_mtime)
    return found[-1].name.rsplit("-", 1)[-1] if found else None


def handed_down(cfg: Any, variant: str) -> list[str]:
    """Returns the overrides that put a run's teacher or comparison into its group on the board.

    Args:
        cfg: Of the run that starts it, named.
        variant: What the other one is.
    """
    if not cfg.logger or cfg.logger.get("wandb") is None:
        return []
    wandb = cfg.logger.wandb
    name = re.sub(r"-s\d+$", "", wandb.name)
    kept = {key: wandb[key] for key in ("project", "entity", "offline", "group") if key in wandb}
    kept["name"] = f"{name}-{variant.replace(' ', '_')}-s{cfg.seed}"
    return ["logger=wandb", *(f"++logger.wandb.{k}={quoted(v)}" for k, v in kept.items())]
