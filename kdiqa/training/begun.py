"""What a run was begun with: it resumes as the same run, or not at all."""

import json
import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from kdiqa.config.compose import resolved_yaml
from kdiqa.config.differences import Differences, Flat, differences, flat
from kdiqa.runtime.launch import RESOLVED
from kdiqa.runtime.ranks import is_first
from kdiqa.training.plan import TEACHER, TRAIN, Plan

PROVENANCE = "provenance.json"
EPOCHS = "trainer.max_epochs"
# All that may be another when a run resumes, as patterns of dotted keys. Of the data, the digests of
# labels, split and bytes are compared: where they lie may change.
MAY_CHANGE = (
    *(EPOCHS, "trainer.devices", "trainer.num_nodes", "trainer.accelerator", "trainer.strategy*"),
    *("trainer.profiler*", "trainer.log_every_n_steps", "trainer.enable_progress_bar"),
    *("trainer.enable_model_summary", "callbacks.progress*", "callbacks.throughput*", "logger*"),
    "callbacks.panels*",  # W&B's
    *("data.num_workers", "data.prefetch_factor"),
    *("data.root", "data.*.root", "data.*.folder", "data.*.path", "data.*.meta_info"),
    *("data.*.cache", "pool", "cache.folder", "callbacks.*.folder"),
    *("run", "resume", "allow", "compare*"),
)
SPANS = ("T_max", "total_iters", "total_steps", "epochs")  # how long torch's schedules are


def check_begun(plan: Plan) -> None:
    """Raises where a run would be resumed as another one.

    Args:
        plan: Of a run that resumes; where it has read its data, they are compared too.

    Raises:
        ValueError: It names all differences, and what may be another.
    """
    stored = stored_config(plan.folder)
    if not plan.cfg.resume or stored is None or not is_first():
        return
    changed = changes(plan, stored)
    lines = [f"{key}: {before} → {now}" for key, (before, now) in changed.items()]
    lines += other_data(plan)
    if lines:
        shown = "\n  ".join(lines)
        longer = how_to_train_on(plan, stored) if EPOCHS in changed else ""
        raise ValueError(
            f"The run in '{plan.folder}' was begun otherwise, and would not go on as the same run:"
            f"\n  {shown}\n{longer}Set these as they were, or run to another folder, for a new run."
            " Epochs, devices, workers, the logger, and where the same data lie may change."
        )


def stored_config(folder: Path) -> Flat | None:
    """Returns what a run was begun with; None for a folder in which none was begun."""
    path = folder / RESOLVED
    return _plain(path.read_text(encoding="utf-8")) if path.is_file() else None


def changes(plan: Plan, stored: Flat) -> Differences:
    """Returns what a plan says otherwise than the run was begun with, and may not.

    Args:
        plan: Of the run that resumes.
        stored: Of :func:`stored_config`.
    """
    now = _plain(resolved_yaml(plan.cfg))
    if now["teacher"] == TRAIN:
        now["teacher"] = str(plan.folder / TEACHER)
    if _same_place(stored["teacher"], now["teacher"]):
        now["teacher"] = stored["teacher"]
    changed = differences(stored, now)
    fixed = finished(plan) or any(spanning(plan, stored))
    return {
        key: pair
        for key, pair in changed.items()
        if (key == EPOCHS and fixed) or not any(fnmatchcase(key, p) for p in MAY_CHANGE)
    }


def spanning(plan: Plan, stored: Flat) -> Iterator[str]:
    """Yields the schedules that reach over just the epochs that a run was begun for.

    Another number of epochs would begin them anew, or leave them unfinished.

    Args:
        plan: Of the run that resumes.
        stored: Of :func:`stored_config`.
    """
    for name in SPANS:
        if stored.get(f"module.scheduler.{name}", 0) == stored[EPOCHS]:
            yield f"module.scheduler.{name}"
    for key in stored:
        node = OmegaConf.select(plan.cfg, key.removesuffix("._target_"))
        if key.endswith("._target_") and isinstance(node, DictConfig):
            ends = plan.ask(node, "spans_run", ())
            if len({node.get(end) for end in ends}) > 1:
                yield key.removesuffix("._target_")


def other_data(plan: Plan) -> list[str]:
    """Returns how a plan's data differ from those that its run has learnt from, in words."""
    path = plan.folder / PROVENANCE
    if not path.is_file() or plan.data is None or not plan.data.records:
        return []
    known = json.loads(path.read_text(encoding="utf-8"))["data"]
    if known["digest"] != plan.data.digest:
        return [f"labels or split, by digest: {known['digest'][:12]} → {plan.data.digest[:12]}"]
    if known["images"] != plan.images:
        return [f"images, by digest: {known['images'][:12]} → {plan.images[:12]}"]
    return []


def how_to_train_on(plan: Plan, stored: Flat) -> str:
    """Returns why a run keeps its number of epochs, and what to do instead."""
    last = plan.folder / "checkpoints" / "last.ckpt"
    if finished(plan):
        why = f"It finished after {stored[EPOCHS]} epochs, and nothing was trained now."
    else:
        why = f"Made for {stored[EPOCHS]} epochs: {', '.join(spanning(plan, stored))}."
    return f"{why} To train longer, begin a new run from its weights: start='{last}'.\n"


def finished(plan: Plan) -> bool:
    """Returns whether a plan's run has come to its end."""
    return (plan.folder / "results.json").is_file()


def _plain(text: str) -> Flat:
    """Returns a resolved configuration with dotted keys, and its own folder as RUN."""
    node: Any = OmegaConf.to_container(OmegaConf.create(text))
    run = str(node["run"])
    return {
        key: "RUN" + value[len(run) :]
        if key != "teacher" and f"{value}/".startswith(f"{run}/")
        else value
        for key, value in flat(node).items()
    }


def _same_place(before: Any, now: Any) -> bool:
    """Returns whether two spellings name one checkpoint, or one that may have been moved.

    Its digest is compared where a student meets it, see :func:`check_same_teacher`.
    """
    if not isinstance(before, str) or not isinstance(now, str):
        return bool(before == now)
    return not os.path.exists(before) or os.path.realpath(before) == os.path.realpath(now)
