"""What a teacher must not have seen: this run's test images, and labels that it masks."""

from collections.abc import Sequence

from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.splits.leaks import Leak, describe, teacher_leaks
from kdiqa.runtime.ranks import is_first
from kdiqa.training.plan import Plan

console = Console()


def masks_labels(labelled: float) -> bool:
    """Returns whether a share, or a number, of labelled images leaves some without."""
    return isinstance(labelled, int) or labelled < 1


def check_teacher_labels(cfg: DictConfig, teacher: Checkpoint) -> None:
    """Raises where a teacher has learnt from labels that its student must not see."""
    ratio = cfg.data.get("labelled", 1.0)
    theirs = teacher.config
    seen = theirs.data.get("labelled", 1.0)
    same = theirs.data._target_ == cfg.data._target_
    fewer = isinstance(seen, int) == isinstance(ratio, int) and seen <= ratio
    if not masks_labels(ratio) or not same or (fewer and theirs.split == cfg.split):
        return
    raise ValueError(
        f"This run masks the labels of all but {ratio:g} of its training images, and its"
        f" teacher has learnt from {seen:g} of those of split {theirs.split}: its scores would"
        f" reveal what is masked.\nTrain the teacher with data.labelled={ratio:g}"
        f" split={cfg.split}, or set teacher=train."
    )


def check_independence(plan: Plan, teacher: Checkpoint) -> None:
    """Raises, or warns (``data.guard``), where a teacher has learnt from what this run tests."""
    data = plan.data
    if plan.soft_labels:
        check_split(teacher, data)
    if teacher.contents is not None:
        warn_of(teacher_leaks(data.assignment, teacher.contents, data.guard), data)
    elif is_first():
        console.print(
            "[yellow]The teacher's checkpoint does not list what it has learnt from. Train it"
            " again to know whether this run's test split is among it."
        )


def check_split(teacher: Checkpoint, data: IQADataModule) -> None:
    """Raises unless a teacher has learnt from this run's split (METHODS 4.4).

    Its score of an image that it has been trained on is worth more than one of its test split,
    and the other way round its score would carry labels of this run's test split.
    """
    theirs = teacher.description["data"].get("digest", "")
    if theirs != data.digest:
        raise ValueError(
            f"The teacher in '{teacher.folder}' has learnt from another split ({theirs[:12] or 'unknown'})"
            f" than this run has ({data.digest[:12]}), and its soft targets could carry labels of"
            " the test split.\nTrain one on this split with teacher=train, or set split,"
            " data.stored_split, data.guard and data.root as it had them."
        )


def warn_of(leaks: Sequence[Leak], data: IQADataModule) -> None:
    """Prints which contents stand on two sides, where the run goes on all the same."""
    if leaks and is_first():
        done = "left out of training" if data.guard == "drop" else "trained on all the same"
        console.print(f"[yellow]{escape(describe(leaks))}; {done}.")
