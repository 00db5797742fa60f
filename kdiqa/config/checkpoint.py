"""A trained net in a file: read once, as data and never as code, and described by itself."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from kdiqa.config.compose import resolved_yaml
from kdiqa.config.instantiate import NETS_ONLY, instantiate
from kdiqa.config.packed import SUFFIX, read_packed

if TYPE_CHECKING:  # loaded where it is used: who only composes waits for no torch
    from torch import Tensor, nn

FORMAT = 2  # of checkpoints; any other is refused
DESCRIBED = ("net", "config", "pair", "data")  # what a checkpoint's description must hold


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


class Checkpoint:
    """What a checkpoint file holds; :meth:`read` reads one.

    Args:
        path: Of the file.
        content: All of it: the weights under ``state_dict``, the description under ``kdiqa`` and,
            in a run's own checkpoints, the state of its callbacks, its optimizer and its loops.
        allowed: Beginnings of the targets that its net may be built of.
    """

    def __init__(
        self, path: Path, content: Mapping[str, Any], allowed: tuple[str, ...] = NETS_ONLY
    ) -> None:
        self.path, self.content, self.allowed = path, dict(content), allowed

    @classmethod
    def read(
        cls,
        path: str | Path,
        experiment: str = "akd_demo",
        allowed: tuple[str, ...] = NETS_ONLY,
    ) -> Checkpoint:
        """Returns the checkpoint a path means; nothing is downloaded, and nothing in it is run.

        Args:
            path: A checkpoint (``.ckpt``), a packed student (``.safetensors``), or a run folder,
                of which the best checkpoint is taken.
            experiment: Named in the error when there is none: it trains one.
            allowed: As for the constructor.

        Raises:
            FileNotFoundError: If there is no checkpoint.
            ValueError: If it is damaged, not written by kdiqa, or of another format.
        """
        path = find_checkpoint(path, experiment)
        content = read_packed(path) if path.suffix == SUFFIX else _read(path)
        _check_format(path, content)
        return cls(path, content, allowed)

    @property
    def folder(self) -> Path:
        """The run folder that a checkpoint lies in; the file itself where it lies in none."""
        return self.path.parent.parent if self.path.parent.name == "checkpoints" else self.path

    @property
    def description(self) -> dict[str, Any]:
        """What the checkpoint says of itself, in plain containers."""
        described: dict[str, Any] = self.content["kdiqa"]
        return described

    @property
    def config(self) -> DictConfig:
        """The run's configuration, parsed anew each time: whoever asks may change it."""
        config = OmegaConf.create(self.description["config"])
        assert isinstance(config, DictConfig)
        return config

    @property
    def label(self) -> dict[str, Any]:
        """The arguments of the label scale that the scores are on."""
        label: dict[str, Any] = self.description["data"]["label"]
        return label

    @property
    def contents(self) -> list[dict[str, str]] | None:
        """The contents that the net has learnt from; None where it is not known."""
        return self.description.get("contents")

    @property
    def weights(self) -> dict[str, Tensor]:
        """The net's own tensors, by their names in the net."""
        state = self.content["state_dict"].items()
        return {name[4:]: value for name, value in state if name.startswith("net.")}

    def net(self, random_head: bool = False, seed: int = 0) -> nn.Module:
        """Returns the net, in evaluation mode, on the CPU.

        Args:
            random_head: Keeps the architecture and the backbone and forgets what was learnt: the
                control that tells whether the teacher's knowledge matters.
            seed: Of the forgotten part's new weights.

        Raises:
            ValueError: If the weights do not fit the described net, or it may not be built.
        """
        import torch

        node: Any = OmegaConf.create(self.description["net"])
        for pretrained in (node.backbone, node.get("tail")):
            if pretrained is not None:
                pretrained.weights = "random"  # replaced by the checkpoint's own, below
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net: Any = instantiate(node, self.allowed)
        state = self.weights
        if random_head:
            state = {k: v for k, v in state.items() if k.startswith("backbone.")}
            state = net.state_dict() | state
        try:
            net.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f"The weights in '{self.path}' do not fit the net that it describes. It was"
                f" written by {_writer(self.description)}: install that version, or train again."
            ) from error
        net.label = self.label  # what its scores mean, to who compares them
        return net.eval()


def describe(cfg: DictConfig) -> dict[str, Any]:
    """Returns what a checkpoint says of its run's configuration, in plain containers."""
    from kdiqa import __version__

    node = OmegaConf.create(OmegaConf.to_container(cfg.module.net, resolve=True))
    return {
        "format": FORMAT,
        "version": __version__,
        "net": OmegaConf.to_yaml(node),
        "config": resolved_yaml(cfg),
        "pair": list(cfg.module.pair),
        "seed": int(cfg.seed),
        "split": int(cfg.split),
    }


def _read(path: Path) -> dict[str, Any]:
    """Returns the content of a checkpoint that Lightning wrote."""
    import torch

    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        _check_sums(path)
    except (
        Exception
    ) as error:  # torch's unpickler raises anything on a file that is none of its own
        raise ValueError(
            f"'{path}' cannot be read as a checkpoint ({type(error).__name__}): it is damaged, or"
            f" holds more than weights and plain values. {_remedy(path)}"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("kdiqa"), dict):
        raise ValueError(
            f"'{path}' was not written by kdiqa: it does not say which net its weights belong to."
            " Backbone weights go to backbone.weights."
        )
    return content


def _check_sums(path: Path) -> None:
    """Raises where a file's bytes are not those that were written: torch itself does not look."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(damaged)


def _remedy(path: Path) -> str:
    """Returns what to do where a checkpoint of a run cannot be read."""
    best, last = path.with_name("best.ckpt"), path.with_name("last.ckpt")
    if path.name == "last.ckpt" and best.is_file():
        return (
            f"'{best}' is of the best epoch so far: go on from there with\n  cp '{best}' '{path}'"
        )
    if path.name == "best.ckpt" and last.is_file():
        return f"'{last}' is of the last epoch: name it in its place, or train again."
    return "Train again, or take a complete copy."


def _check_format(path: Path, content: Mapping[str, Any]) -> None:
    """Raises where a checkpoint is of a format that this version does not read."""
    from kdiqa import __version__

    description = content["kdiqa"]
    written = description.get("format", 1)  # the first one did not say so
    if written != FORMAT:
        newer = isinstance(written, int) and written > FORMAT
        remedy = "Install the newer one." if newer else "Train again with this version."
        raise ValueError(
            f"'{path}' was written by {_writer(description)} in format {written}, and this is"
            f" kdiqa {__version__}, which reads format {FORMAT}. {remedy}"
        )
    if _interpolates(description):
        raise ValueError(
            f"'{path}' was not written by kdiqa: its description holds an interpolation (${{…}}),"
            " which a run resolves before it writes. Nothing of it is built."
        )
    missing = [name for name in DESCRIBED if name not in description]
    missing += ["state_dict"] if "state_dict" not in content else []
    if missing:
        raise ValueError(
            f"'{path}' was written by {_writer(description)} and lacks {', '.join(missing)}:"
            f" kdiqa {__version__} cannot build its net. Train again with this version."
        )


def _interpolates(value: Any) -> bool:
    """Returns whether a text anywhere in plain containers holds an interpolation."""
    if isinstance(value, Mapping):
        return any(_interpolates(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple):
        return any(_interpolates(item) for item in value)
    return isinstance(value, str) and "${" in value


def _writer(description: Mapping[str, Any]) -> str:
    """Returns which version wrote a checkpoint."""
    return f"kdiqa {description.get('version', 'of unknown version')}"
