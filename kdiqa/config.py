"""Where the configuration lies, what it may build, and how a checkpoint describes itself."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:  # loaded where it is used: who only composes waits for no torch
    from torch import nn

ALLOWED = (
    "kdiqa.",
    "torch.nn.",
    "torch.optim.",
    "lightning.pytorch.callbacks.",
    "lightning.pytorch.loggers.",
    "lightning.pytorch.Trainer",
    "lightning.pytorch.profilers.",
    "lightning.pytorch.strategies.",
    "albumentations.",
)
NETS_ONLY = ("kdiqa.nets.", "torch.nn.")
UNHELPFUL = (
    ".*does not have many workers.*",  # two cores have two
    ".*smaller than the logging interval.*",  # small data sets are welcome
    ".*module\\(s\\) in eval mode at the start of training.*",  # the frozen backbone, on purpose
    ".*Experiment logs directory .* exists and is not empty.*",  # experiment.keep_metrics saw to it
    ".*treespec, LeafSpec.*",  # lightning on a new torch
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run's own
    ".*when logging on epoch level in distributed setting.*",  # equal on all ranks already
    ".*GPU available but not used.*",  # trainer=cpu was asked for
)


def conf_dir() -> Path:
    """Returns the folder of the configuration, of an installation or of a checkout.

    An installed package carries it inside; a checkout has it beside the package.
    """
    package = Path(__file__).resolve().parent
    inside, beside = package / "conf", package.parent / "conf"
    return inside if inside.is_dir() else beside


def instantiate(node: Any, allowed: tuple[str, ...] = ALLOWED, **options: Any) -> Any:
    """Returns the object a configuration node describes.

    Args:
        node: With ``_target_`` entries; interpolations are resolved against its parents.
        allowed: Beginnings of the targets that may be built; a YAML file is no program.
        options: Further arguments of the outermost target.

    Raises:
        ValueError: If a target is none of the allowed ones.
    """
    plain = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
    for target in targets(plain):
        if not target.startswith(allowed):
            raise ValueError(
                f"The configuration asks for '{target}', which is not among what may be built:"
                f" {', '.join(allowed)}. See where it comes from before you run it."
            )
    return hydra.utils.instantiate(plain, _convert_="all", **options)


def targets(node: Any) -> list[str]:
    """Returns every target a plain node names, at any depth."""
    if isinstance(node, list):
        return [target for item in node for target in targets(item)]
    if not isinstance(node, dict):
        return []
    own = [str(node["_target_"])] if "_target_" in node else []
    return own + [target for value in node.values() for target in targets(value)]


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
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # torch's unpickler raises anything on a file that is none of its own
        raise ValueError(
            f"'{path}' cannot be read as a checkpoint ({type(error).__name__}): it is damaged, or"
            " holds more than weights and plain values. Use the run's checkpoints/last.ckpt, or"
            " train again."
        ) from error
    if "kdiqa" not in checkpoint:
        raise ValueError(
            f"'{path}' was not written by kdiqa: it does not say which net its weights belong to."
            " Backbone weights go to backbone.weights."
        )
    return checkpoint


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
        net: nn.Module = instantiate(node, NETS_ONLY)
    state = {k[4:]: v for k, v in checkpoint["state_dict"].items() if k.startswith("net.")}
    if random_head:
        state = {k: v for k, v in state.items() if k.startswith("backbone.")}
        state = net.state_dict() | state
    net.load_state_dict(state)
    return net.eval()


def resolved_yaml(cfg: DictConfig) -> str:
    """Returns a configuration as YAML text, interpolations resolved."""
    return OmegaConf.to_yaml(cfg, resolve=True)


def quiet() -> None:
    """Keeps libraries from telling users what these cannot change."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in UNHELPFUL:
        warnings.filterwarnings("ignore", message=message)
