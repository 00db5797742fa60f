"""A run in stages: one before it, and the weights that it starts from."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig
from torch import nn

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.training.experiment import finished, job, own_overrides

STAGE = "stage1"


def pretrain(cfg: DictConfig, folder: Path) -> dict[str, Path]:
    """Runs the stage before this run's own, where it asks for one, and returns its folder by name.

    A process and a run folder of its own below this one's; it resumes by itself.

    Args:
        cfg: ``pretrain`` holds what it does otherwise than this run; None for no such stage.
        folder: Of this run.
    """
    if cfg.pretrain is None:
        return {}
    stage = folder / STAGE
    words = [*own_overrides(cfg, "stage 1"), f"name='{cfg.name}, stage 1'", *cfg.pretrain]
    words += ["compare=null", "pretrain=null"]
    if cfg.teacher:
        words.append(f"teacher='{cfg.teacher}'")
    job("stage 1", words, stage)
    return {f"{cfg.name}, stage 1": stage} if finished(stage) else {}


def start_of(cfg: DictConfig, folder: Path) -> Path | None:
    """Returns the checkpoint that a run's net starts from; None for a net that starts anew.

    Of a stage before it, the last one: the best would have been chosen by labels.
    """
    if cfg.pretrain is not None:
        return folder / STAGE / "checkpoints" / "last.ckpt"
    return None if cfg.start is None else Path(cfg.start)


def start(net: nn.Module, path: Path) -> None:
    """Gives a net the weights of a checkpoint's, to train on from there.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        ValueError: If it is that of another net.
    """
    checkpoint = Checkpoint.read(path)
    state, wanted = checkpoint.weights, net.state_dict()
    wrong = [
        name
        for name in sorted(wanted.keys() | state.keys())
        if name not in state or name not in wanted or state[name].shape != wanted[name].shape
    ]
    if wrong:
        raise ValueError(
            f"'{checkpoint.path}' holds the weights of another net: {len(wrong)} tensors are missing, are not"
            f" in this one, or have another shape, first {wrong[0]}. Set start to a run of the same"
            " module.net, or start=null."
        )
    net.load_state_dict(state)
