"""What an experiment needs before it trains: data, a teacher, runs to compare with."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict
from rich.console import Console
from rich.markup import escape

from kdiqa.board.naming import handed_down
from kdiqa.config.checkpoint import Checkpoint, find_checkpoint
from kdiqa.config.compose import quoted
from kdiqa.config.instantiate import checked, instantiate
from kdiqa.data.splits.leaks import Leak, describe, teacher_leaks
from kdiqa.runtime.launch import run_job
from kdiqa.runtime.ranks import external, is_first
from kdiqa.systems.sskd.targets import check_labels, check_split, learns_softly
from kdiqa.training.withheld import check_loss, check_teacher_labels

console = Console()


def switch(cfg: DictConfig) -> None:
    """Takes the distiller and the teacher out of a configuration that is not to distil."""
    if not cfg.distill:
        for key in ("distiller", "soft", "hint"):
            with open_dict(cfg.module):
                cfg.module.pop(key, None)
        for key in ("distillation", "soft_targets"):
            with open_dict(cfg.callbacks):
                cfg.callbacks.pop(key, None)
        cfg.pretrain = None  # the stage before learns from the teacher alone


def check(cfg: DictConfig, folder: Path) -> Any:
    """Returns the data module, ready, or raises one error that names all that is missing.

    Args:
        cfg: The composed configuration.
        folder: Of this run.
    """
    if not cfg.resume and (folder / "checkpoints").is_dir() and is_first():
        raise ValueError(
            f"'{folder}' already holds a run. Continue it with resume=true, or set run to another"
            " folder."
        )
    missing: list[Exception] = []
    data = None
    try:
        checked(cfg)
        check_loss(cfg)
        data = instantiate(cfg.data)
        if is_first():
            data.prepare_data()
        data.setup()
        check_test_crops(cfg, data.test_crops)
        tell(data.check_leaks(), data)
        check_labels(cfg, data)
        data.add_unlabelled()
    except (OSError, ValueError, RuntimeError) as error:
        missing.append(error)
    try:
        teacher = check_teacher(cfg)
        if teacher is not None:
            check_teacher_labels(cfg, teacher)
        if teacher is not None and data is not None and data.records:
            guard_teacher(cfg, teacher, data)
    except (OSError, ValueError) as error:
        missing.append(error)
    if len(missing) == 1:
        raise missing[0]
    if missing:
        raise ValueError("\n".join(str(error) for error in missing))
    return data


def check_test_crops(cfg: DictConfig, crops: Any) -> None:
    """Raises where a test shows another number of crops than the net's weights are made for."""
    net = cfg.module.net
    if net.get("crop_fusion") != "cat" or (crops.num == net.num_crops and crops.mode != "tiles"):
        return
    given = "as many crops as cover an image" if crops.mode == "tiles" else f"{crops.num} crops"
    raise ValueError(
        f"The test shows {given} (data.test_crops), and the net's weights are made for"
        f" {net.num_crops}\n(module.net.crop_fusion=cat). Set num_crops and num_test_crops alike,"
        " or module.net.crop_fusion=mean."
    )


def needs_teacher(cfg: DictConfig) -> bool:
    """Returns whether this run distils."""
    return any(cfg.callbacks.get(key) is not None for key in ("distillation", "soft_targets"))


def check_teacher(cfg: DictConfig) -> Checkpoint | None:
    """Returns the teacher's checkpoint where one is needed, None where it is to be trained.

    Raises:
        ValueError: If none is named, or it cannot be read.
    """
    if not needs_teacher(cfg) or cfg.teacher == "train":
        return None
    if cfg.teacher is None:
        given = shared(cfg) if learns_softly(cfg) else (cfg.teacher_overrides or [])
        words = [f"experiment={cfg.teacher_experiment}", *given]
        raise ValueError(
            "This experiment distils from a teacher, and teacher is not set. Train one with:"
            f" python -m kdiqa.train {shlex.join(words)}\nthen set teacher to its run folder; or set"
            " teacher=train to do both at once."
        )
    return Checkpoint.read(cfg.teacher, cfg.teacher_experiment)


def guard_teacher(cfg: DictConfig, teacher: Checkpoint, data: Any) -> None:
    """Raises if a teacher has learnt from what this run tests, or says so (``data.guard``)."""
    if learns_softly(cfg):
        check_split(teacher, data, cfg.teacher)
    contents = teacher.contents
    if contents is not None:
        tell(teacher_leaks(data.assignment, contents, data.guard), data)
    elif is_first():
        console.print(
            "[yellow]The teacher does not say what it has learnt from: it is of an older version."
            " Train it again to know whether this run's test part is among it."
        )


def tell(found: Sequence[Leak], data: Any) -> None:
    """Says which contents stand on two sides, where the run goes on all the same."""
    if found and is_first():
        done = "left out of training" if data.guard == "drop" else "trained on all the same"
        console.print(f"[yellow]{escape(describe(found))}; {done}.")


def prepare_jobs(cfg: DictConfig, folder: Path) -> dict[str, Path]:
    """Trains the teacher and the comparisons this run asks for, and returns their folders.

    Each is a process and a run folder of its own below this one's, and resumes by itself.

    Args:
        cfg: Gets the trained teacher's folder as ``teacher``.
        folder: Of this run.
    """
    beside: dict[str, Path] = {}
    if external() is not None and (cfg.teacher == "train" or cfg.compare or cfg.pretrain):
        raise ValueError(
            "Under torchrun or srun a run starts no other runs. Train its teacher, or its first"
            " stage, by itself,\nthen set teacher=RUN, or start=CHECKPOINT pretrain=null; and"
            " compare=null."
        )
    if needs_teacher(cfg):
        if cfg.teacher == "train":
            cfg.teacher = str(folder / "teacher")
            job(
                "teacher",
                [
                    f"experiment={cfg.teacher_experiment}",
                    *shared(cfg),
                    *handed_down(cfg, "teacher"),
                ],
                Path(cfg.teacher),
            )
        given = find_checkpoint(cfg.teacher).parent.parent
        if (given / "results.json").is_file():
            beside["teacher"] = given
    for name, overrides in (cfg.compare or {}).items():
        beside[name] = folder / name.replace(" ", "_")
        words = [*own_overrides(cfg, name), f"name='{name}'", "compare=null", *overrides]
        if cfg.teacher:
            words.append(f"teacher={quoted(cfg.teacher)}")
        job(name, words, beside[name])
    cfg.compare = None
    return beside


def job(name: str, overrides: list[str], folder: Path) -> None:
    """Runs one of the experiment's jobs, unless it has finished before."""
    if finished(folder):
        return
    console.rule(f"[bold]{name}")
    run_job(overrides, folder)


def shared(cfg: DictConfig) -> list[str]:
    """Returns the overrides a teacher's training takes over from its student's."""
    hardware = HydraConfig.get().runtime.choices.get("trainer", "default")
    words = [f"seed={cfg.seed}", f"split={cfg.split}", f"trainer={hardware}"]
    if learns_softly(cfg):  # from the very images of this run, and from no others
        words += [
            f"data={HydraConfig.get().runtime.choices['data']}",
            f"data.guard={cfg.data.guard}",
        ]
        words += [] if cfg.data.root is None else [f"data.root={quoted(cfg.data.root)}"]
    return [*words, *(cfg.teacher_overrides or [])]


def own_overrides(cfg: DictConfig, variant: str) -> list[str]:
    """Returns this run's overrides for a variant of it, less those that name it.

    Args:
        cfg: Of this run.
        variant: What the other one is called on a board.
    """
    private: tuple[str, ...] = ("run=", "resume=", "teacher=", "compare=", "name=", "pretrain=")
    board = handed_down(cfg, variant)
    private += ("logger",) if board else ()
    words = HydraConfig.get().overrides.task
    return [*(word for word in words if not word.lstrip("+~").startswith(private)), *board]


def finished(folder: Path) -> dict[str, dict[str, float]]:
    """Returns the metrics of a run that came to its end, by split; none where it did not."""
    path = folder / "results.json"
    made: dict[str, dict[str, float]] = (
        json.loads(path.read_text())["metrics"] if path.is_file() else {}
    )
    return made


def where_it_stopped(folder: Path) -> tuple[str | None, dict[str, float] | None]:
    """Returns the checkpoint a run goes on from, and what it knows of its epoch.

    Twice None where the run had not come to its first.

    Raises:
        ValueError: If it cannot be read, or is of a run that stood in another folder.
    """
    last = folder / "checkpoints" / "last.ckpt"
    if not last.is_file():
        return None, None
    checkpoint = Checkpoint.read(last)
    states = checkpoint.content["callbacks"]
    stood = {state["dirpath"] for state in states.values() if "best_model_score" in state}
    here = os.path.realpath(last.parent)
    if stood - {here}:
        raise ValueError(
            f"This run stood in '{Path(min(stood - {here})).parent}' when it stopped, and now in"
            f" '{folder}': its best checkpoint would be forgotten. Move it back to go on."
        )
    return str(last), checkpoint.description.get("curve")
