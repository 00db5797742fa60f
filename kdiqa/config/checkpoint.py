"""Where the configuration lies, and how a checkpoint describes itself."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from kdiqa.config.instantiate import NETS_ONLY, instantiate
from kdiqa.config.packed import SUFFIX, read_packed

if TYPE_CHECKING:  # loaded where it is used: who only composes waits for no torch
    from torch import nn

FORMAT = 1  # of checkpoints; a newer one is refused, an older one read or refused by name
TOLD = ("net", "config", "pair", "data")  # what a checkpoint of ours says of itself


def find_checkpoint(path: str | Path, experiment: str = "akd_demo") -> Path:
    """Returns the checkpoint a path means: the file itself, or a run folder's best one."""
    path = Path(path)
    if path.is_file():
        return path
    for candidate in (path / "checkpoints" / "best.ckpt", path / "checkpoints" / "last.ckpt"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(
        f"No checkpoint at '{path}': neither a file nor a run folder with checkpoints/best.ckpt."
        f" Train one with: python -m kdiqa.train experiment={experiment}"
    )


def load_checkpoint(path: str | Path, experiment: str = "akd_demo") -> dict[str, Any]:
    """Returns a checkpoint of ours, read as data and never as code."""
    import torch

    path = find_checkpoint(path, experiment)
    if path.suffix == SUFFIX:
        return read_packed(path)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        _check_sums(path)
    except (
        Exception
    ) as error:  # torch's unpickler raises anything on a file that is none of its own
        raise ValueError(
            f"'{path}' cannot be read as a checkpoint ({type(error).__name__}): it is damaged, or"
            f" holds more than weights and plain values. {_instead_of(path)}"
        ) from error
    if not isinstance(checkpoint, dict) or "kdiqa" not in checkpoint:
        raise ValueError(
            f"'{path}' was not written by kdiqa: it does not say which net its weights belong to."
            " Backbone weights go to backbone.weights."
        )
    _check_format(path, checkpoint)
    return checkpoint


def _check_sums(path: Path) -> None:
    """Raises where a file's bytes are not those that were written: torch itself does not look."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(damaged)


def _instead_of(path: Path) -> str:
    """Returns what to do where a checkpoint of a run cannot be read."""
    best, last = path.with_name("best.ckpt"), path.with_name("last.ckpt")
    if path.name == "last.ckpt" and best.is_file():
        return (
            f"'{best}' is of the best epoch so far: go on from there with\n  cp '{best}' '{path}'"
        )
    if path.name == "best.ckpt" and last.is_file():
        return f"'{last}' is of the last epoch: name it in its place, or train again."
    return "Train again, or take a copy that is whole."


def _check_format(path: Path, checkpoint: dict[str, Any]) -> None:
    """Raises where a checkpoint is of a format that this version does not read."""
    import kdiqa

    told = checkpoint["kdiqa"]
    known = isinstance(told, dict)
    written = told.get("format", 1) if known else None  # the first one did not say so
    by = f"kdiqa {told.get('version', 'of unknown version')}" if known else "something else"
    if isinstance(written, int) and written > FORMAT:
        raise ValueError(
            f"'{path}' was written by {by} in format {written}, and this is kdiqa"
            f" {kdiqa.__version__}, which reads formats up to {FORMAT}. Install the newer one."
        )
    lacking = [name for name in TOLD if not known or name not in told]
    lacking += ["state_dict"] if "state_dict" not in checkpoint else []
    if lacking:
        raise ValueError(
            f"'{path}' was written by {by} and lacks {', '.join(lacking)}: this is kdiqa"
            f" {kdiqa.__version__}, which cannot tell its net. Train again with this version."
        )


def load_net(
    path: str | Path, experiment: str = "akd_demo", random_head: bool = False, seed: int = 0
) -> nn.Module:
    """Returns the net of a checkpoint, which describes itself; nothing is downloaded.

    Args:
        path: A checkpoint, or a run folder.
        experiment: Named in the error when there is none: it trains one.
        random_head: Keeps the architecture and the backbone and forgets what was learnt: the
            control that tells whether the teacher's knowledge matters.
        seed: Of the forgotten part's new weights.
    """
    import torch

    checkpoint = load_checkpoint(path, experiment)
    node = OmegaConf.create(checkpoint["kdiqa"]["net"])
    for part in (node.backbone, node.get("tail")):
        if part is not None:
            part.weights = "random"  # replaced by the checkpoint's own, below
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net: Any = instantiate(node, NETS_ONLY)
    state = {k[4:]: v for k, v in checkpoint["state_dict"].items() if k.startswith("net.")}
    if random_head:
        state = {k: v for k, v in state.items() if k.startswith("backbone.")}
        state = net.state_dict() | state
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        written = checkpoint["kdiqa"].get("version", "of unknown version")
        raise ValueError(
            f"The weights in '{find_checkpoint(path)}' do not fit the net that it describes. It was"
            f" written by kdiqa {written}: install that version, or train again."
        ) from error
    net.label = checkpoint["kdiqa"]["data"]["label"]  # what its scores mean, to who compares them
    return net.eval()
