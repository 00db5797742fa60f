"""Opinions that a run holds back from itself must not come in by another door."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig

from kdiqa.config.checkpoint import Checkpoint

LABELLED = "kdiqa.training.labelled."


def check_loss(cfg: DictConfig) -> None:
    """Raises where opinions are held back and the loss would not leave them out."""
    ratio, loss = cfg.data.get("labelled_ratio", 1.0), cfg.module.loss._target_
    if ratio < 1 and not loss.startswith(LABELLED):
        raise ValueError(
            f"data.labelled_ratio={ratio:g} holds back opinions, and module.loss ({loss}) needs all"
            " of them. Set module/loss=labelled."
        )


def check_teacher_labels(cfg: DictConfig, teacher: Checkpoint) -> None:
    """Raises where a teacher has learnt from opinions that its student must not see.

    Args:
        cfg: The student's.
        teacher: The teacher's checkpoint.
    """
    ratio = cfg.data.get("labelled_ratio", 1.0)
    theirs: Any = teacher.config
    told = theirs.data.get("labelled_ratio", 1.0)
    same = theirs.data._target_ == cfg.data._target_
    if ratio == 1 or not same or (told <= ratio and theirs.split == cfg.split):
        return
    raise ValueError(
        f"This run holds back the opinions of all but {ratio:g} of its training images, and its"
        f" teacher has learnt from {told:g} of those of split {theirs.split}: its scores would tell"
        f" what is held back.\nTrain the teacher with data.labelled_ratio={ratio:g}"
        f" split={cfg.split}, or set teacher=train."
    )
