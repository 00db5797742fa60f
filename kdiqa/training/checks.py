"""Every reason not to begin a run, in one order, before any work starts."""

import inspect
import shlex
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from kdiqa.config.buildable import NETS
from kdiqa.config.from_file import check_file
from kdiqa.config.instantiate import checked
from kdiqa.data.datamodule import IQADataModule
from kdiqa.runtime.ranks import external, is_first
from kdiqa.training.begun import check_begun
from kdiqa.training.independence import (
    check_independence,
    check_teacher_labels,
    masks_labels,
    warn_of,
)
from kdiqa.training.plan import TRAIN, Plan


def check(plan: Plan) -> IQADataModule:
    """Returns the data module, ready; the plan gets it and the teacher's checkpoint.

    Raises:
        ValueError: One error that names all that is missing, of the data and of the teacher.
    """
    check_processes(plan.cfg)
    check_folder(plan)
    errors: list[Exception] = []
    for step in (check_configuration, check_teacher, check_begun):
        try:
            step(plan)
        except (OSError, ValueError, RuntimeError) as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ValueError("\n".join(str(error) for error in errors))
    return plan.data  # type: ignore[no-any-return]


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
    check_soft(plan)
    check_pair(plan, plan.cfg.module.net, plan.cfg.module.pair, "module.pair")
    data = plan.build(plan.cfg.data)
    if is_first():
        data.prepare_data()
    data.setup()
    plan.data = data
    check_test_crops(plan.cfg, data.test_crops)
    warn_of(data.check_leaks(), data)
    check_labels(plan, data)
    data.add_unlabelled()
    check_batches(data)


def check_loss(plan: Plan) -> None:
    """Raises where labels are masked and the loss would not leave them out."""
    ratio, node = plan.cfg.data.get("labelled", 1.0), plan.cfg.module.loss
    if masks_labels(ratio) and not accepts_unlabelled(plan):
        raise ValueError(
            f"data.labelled={ratio:g} masks labels, and module.loss ({node._target_}) needs"
            " all of them. Set module/loss=labelled."
        )


def accepts_unlabelled(plan: Plan) -> bool:
    """Returns whether a run's step, or its loss, leaves out images without a label."""
    nodes = (plan.cfg.module, plan.cfg.module.loss)
    return any(plan.ask(node, "accepts_unlabelled", False) for node in nodes)


def check_soft(plan: Plan) -> None:
    """Raises where there are soft targets and the module learns from none."""
    if (
        plan.cfg.module.get("soft") is not None
        and plan.ask(plan.cfg.module, "soft_labels") is None
    ):
        raise ValueError(
            f"This run has soft targets (module.soft), and {plan.cfg.module._target_} learns from"
            " none. Set module=soft_target, or another distiller."
        )


def check_pair(plan: Plan, net: Any, pair: Sequence[str], setting: str) -> None:
    """Raises where a net is given another number of images than it compares.

    Args:
        plan: Knows what may be looked at.
        net: The node of the net.
        pair: The names of the images it is given.
        setting: What sets them.
    """
    forward = getattr(plan.target_of(net), "forward", None)
    if forward is None:
        return
    images = inspect.signature(forward)
    try:
        images.bind(None, *pair)
    except TypeError:
        compared = ", ".join([*images.parameters][1:])
        raise ValueError(
            f"{setting} gives [{', '.join(pair)}], and {net._target_.rpartition('.')[2]} compares"
            f" [{compared}]. Set second to what the image is compared with, or net to one that"
            " takes these images."
        ) from None


def check_batches(data: IQADataModule) -> None:
    """Raises where an epoch would have no batch: ``drop_last`` leaves out one that is not full."""
    images = len(data.positions("train")) + len(data.extra)
    if data.drop_last and images < data.batch_size:
        raise ValueError(
            f"{images} training images fill no batch of {data.batch_size}, and data.drop_last=true"
            " leaves out what is not full. Set data.batch_size to at most that number."
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
    measured = plan.cfg.module.net.get("input_norm") == "running"  # standardises by them too
    if data.unlabelled is not None and not (plan.soft_labels or plan.distils or measured):
        raise ValueError(
            "Images without labels (data.unlabelled) teach nothing here: this run has no teacher."
            " Set data/unlabelled=[], or a distiller."
        )
    if data.unlabelled is not None and not accepts_unlabelled(plan):
        raise ValueError(
            f"Images without labels (data.unlabelled) have no loss of {plan.cfg.module.loss._target_}."
            " Set data/unlabelled=[], or module/loss=labelled."
        )


def check_teacher(plan: Plan) -> None:
    """Reads the teacher's checkpoint, where there is one already, and checks what it has seen.

    A table of scores, or an ensemble, teaches by soft targets alone.
    """
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
    many = plan.teacher_table is not None or not isinstance(cfg.teacher, str)
    if many and not any(plan.ask(node, "takes_scores") for node in cfg.callbacks.values()):
        raise ValueError(
            "A table of scores, or several runs, teach by soft targets, and this run learns more of"
            " its teacher. Set module=soft_target distiller=soft_score, or teacher=RUN."
        )
    for teacher in plan.read_teachers():
        for name, node in cfg.callbacks.items():
            if node and "pair" in node and plan.ask(node, "needs_teacher"):
                check_pair(plan, teacher.config.module.net, node.pair, f"callbacks.{name}.pair")
        check_teacher_labels(cfg, teacher)
        if plan.data is not None and plan.data.records:
            check_independence(plan, teacher)
