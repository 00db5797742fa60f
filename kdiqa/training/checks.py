"""Every reason not to begin a run, in one order, before any work starts."""

import shlex
from collections.abc import Callable, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.markup import escape

from kdiqa.config.buildable import NETS
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.from_file import check_file
from kdiqa.config.instantiate import checked
from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.splits.leaks import Leak, describe, teacher_leaks
from kdiqa.runtime.ranks import external, is_first
from kdiqa.training.plan import TRAIN, Plan

console = Console()


def check(plan: Plan) -> IQADataModule:
    """Returns the data module, ready, and reads the teacher's checkpoint.

    Args:
        plan: Gets both.

    Raises:
        ValueError: One error that names all that is missing, of the data and of the teacher.
    """
    check_processes(plan.cfg)
    check_folder(plan)
    errors: list[Exception] = []
    for step in (check_configuration, check_teacher):
        _try(step, plan, errors)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ValueError("\n".join(str(error) for error in errors))
    return plan.data  # type: ignore[no-any-return]


def _try(step: Callable[[Plan], None], plan: Plan, errors: list[Exception]) -> None:
    try:
        step(plan)
    except (OSError, ValueError, RuntimeError) as error:
        errors.append(error)


def check_processes(cfg: DictConfig) -> None:
    """Raises where a launcher has started the processes, and the run is to start others."""
    if external() is not None and (cfg.teacher == TRAIN or cfg.compare or cfg.pretrain):
        raise ValueError(
            "Under torchrun or srun a run starts no other runs. Train its teacher, or its first"
            " stage, by itself,\nthen set teacher=RUN, or start=CHECKPOINT pretrain=null; and"
            " compare=null."
        )


def check_folder(plan: Plan) -> None:
    """Raises where a folder holds a run already that is not to be resumed."""
    if not plan.cfg.resume and (plan.folder / "checkpoints").is_dir() and is_first():
        raise ValueError(
            f"'{plan.folder}' already holds a run. Continue it with resume=true, or set run to"
            " another folder."
        )


def check_configuration(plan: Plan) -> None:
    """Checks targets, words and labels, and makes the data ready."""
    checked(plan.cfg, plan.allowed)
    check_file(OmegaConf.to_container(plan.cfg.module.net, resolve=True), NETS, plan.own)
    check_loss(plan)
    data = plan.build(plan.cfg.data)
    if is_first():
        data.prepare_data()
    data.setup()
    plan.data = data
    check_test_crops(plan.cfg, data.test_crops)
    warn_of(data.check_leaks(), data)
    check_labels(plan, data)
    data.add_unlabelled()


def check_loss(plan: Plan) -> None:
    """Raises where labels are masked and the loss would not leave them out."""
    ratio, node = plan.cfg.data.get("labelled_ratio", 1.0), plan.cfg.module.loss
    if ratio < 1 and not plan.ask(node, "accepts_unlabelled", False):
        raise ValueError(
            f"data.labelled_ratio={ratio:g} masks labels, and module.loss ({node._target_}) needs"
            " all of them. Set module/loss=labelled."
        )


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


def check_labels(plan: Plan, data: IQADataModule) -> None:
    """Raises where what is learnt does not fit the labels."""
    if data.label.scale != "unit" and plan.ask(plan.cfg.module.net.get("head"), "bounded", False):
        raise ValueError(
            "The student's bins lie in [0, 1] (net=pooled_bins), and its labels do not"
            f" (data.label_scale={data.label.scale}). Set data.label_scale=unit."
        )
    if data.unlabelled is not None and not plan.soft_labels:
        raise ValueError(
            "Images without labels (data.unlabelled) teach nothing here: this run has no soft"
            " targets. Set data/unlabelled=[], or distiller=soft_score with module=soft_target."
        )


def check_teacher(plan: Plan) -> None:
    """Reads the teacher's checkpoint, where there is one already, and checks what it has seen."""
    cfg = plan.cfg
    if not plan.distils or plan.trains_teacher:
        return
    if cfg.teacher is None:
        given = plan.teacher_overrides() if plan.soft_labels else (cfg.teacher_overrides or [])
        words = [f"experiment={cfg.teacher_experiment}", *given]
        raise ValueError(
            "This experiment distils from a teacher, and teacher is not set. Train one with:"
            f" python -m kdiqa.train {shlex.join(words)}\nthen set teacher to its run folder; or"
            " set teacher=train to do both at once."
        )
    teacher = plan.read_teacher()
    check_teacher_labels(cfg, teacher)
    if plan.data is not None and plan.data.records:
        check_independence(plan)


def check_teacher_labels(cfg: DictConfig, teacher: Checkpoint) -> None:
    """Raises where a teacher has learnt from labels that its student must not see."""
    ratio = cfg.data.get("labelled_ratio", 1.0)
    theirs = teacher.config
    seen = theirs.data.get("labelled_ratio", 1.0)
    same = theirs.data._target_ == cfg.data._target_
    if ratio == 1 or not same or (seen <= ratio and theirs.split == cfg.split):
        return
    raise ValueError(
        f"This run masks the labels of all but {ratio:g} of its training images, and its"
        f" teacher has learnt from {seen:g} of those of split {theirs.split}: its scores would"
        f" reveal what is masked.\nTrain the teacher with data.labelled_ratio={ratio:g}"
        f" split={cfg.split}, or set teacher=train."
    )


def check_independence(plan: Plan) -> None:
    """Raises, or warns (``data.guard``), where a teacher has learnt from what this run tests."""
    data, teacher = plan.data, plan.teacher
    assert teacher is not None
    if plan.soft_labels:
        check_split(teacher, data, plan.cfg.teacher)
    if teacher.contents is not None:
        warn_of(teacher_leaks(data.assignment, teacher.contents, data.guard), data)
    elif is_first():
        console.print(
            "[yellow]The teacher's checkpoint does not list what it has learnt from. Train it"
            " again to know whether this run's test split is among it."
        )


def check_split(teacher: Checkpoint, data: IQADataModule, path: Any) -> None:
    """Raises unless a teacher has learnt from this run's split (METHODS 4.4).

    Its score of an image that it has been trained on is worth more than one of its test split,
    and the other way round its score would carry labels of this run's test split.
    """
    theirs = teacher.description["data"].get("digest", "")
    if theirs != data.digest:
        raise ValueError(
            f"The teacher in '{path}' has learnt from another split ({theirs[:12] or 'unknown'})"
            f" than this run has ({data.digest[:12]}), and its soft targets could carry labels of"
            " the test split.\nTrain one on this split with teacher=train, or set split,"
            " data.stored_split, data.guard and data.root as it had them."
        )


def warn_of(leaks: Sequence[Leak], data: IQADataModule) -> None:
    """Prints which contents stand on two sides, where the run goes on all the same."""
    if leaks and is_first():
        done = "left out of training" if data.guard == "drop" else "trained on all the same"
        console.print(f"[yellow]{escape(describe(leaks))}; {done}.")
