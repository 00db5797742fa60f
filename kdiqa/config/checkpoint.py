"""A trained net in a file: read once, as data and never as code, and described by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from omegaconf import DictConfig, OmegaConf

from kdiqa.config.buildable import NETS, Allow
from kdiqa.config.compose import resolved_yaml
from kdiqa.config.from_file import FileError, from_file
from kdiqa.config.reading import FORMAT, mapping_of, read_content, writer

if TYPE_CHECKING:  # loaded where it is used: who only composes waits for no torch
    from torch import Tensor, nn

T = TypeVar("T")
SPARE = 1 << 29  # bytes of a net that may be built for no weights at all: a backbone cut short


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
        allow: Further packages or classes that it may be built of, as a person names them.
    """

    def __init__(self, path: Path, content: Mapping[str, Any], allow: Allow = ()) -> None:
        self.path, self.content, self.allow = path, dict(content), allow

    @classmethod
    def read(cls, path: str | Path, experiment: str = "akd_demo", allow: Allow = ()) -> Checkpoint:
        """Returns the checkpoint a path means; nothing is downloaded, and nothing in it is run.

        Args:
            path: A checkpoint (``.ckpt``), a packed student (``.safetensors``), or a run folder,
                of which the best checkpoint is taken.
            experiment: Named in the error when there is none: it trains one.
            allow: As for the constructor.

        Raises:
            FileNotFoundError: If there is no checkpoint.
            ValueError: If it is damaged, not written by kdiqa, or of another format.
        """
        path = find_checkpoint(path, experiment)
        return cls(path, read_content(path), allow)

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

    def data_node(self, training: bool = False) -> dict[str, Any]:
        """Returns the description of its run's data, in plain containers.

        Args:
            training: With what an evaluation has no use for.
        """
        node = mapping_of(self.description["config"], "config")["data"]
        if not training and isinstance(crops := node.get("train_crops"), dict):
            # What pairs must fit; how training changed them besides may need classes of one's own.
            shape = {
                key: crops[key] for key in ("_target_", "num", "size", "mode") if key in crops
            }
            node = node | {"train_crops": shape}
        unused = ("unlabelled",) if training else ("teacher_pairs", "unlabelled")
        return {key: value for key, value in node.items() if key not in unused}

    @property
    def seed(self) -> int:
        """Of the crops and re-distortions of its run's images."""
        seed: int = self.config.data.get("seed", self.description.get("seed", 0))
        return seed

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

    def build(self, node: Any, targets: Sequence[str], kind: type[T]) -> T:
        """Returns the object that a part of the description describes.

        Args:
            node: In plain containers.
            targets: What may be built, of :mod:`kdiqa.config.buildable`, besides what is allowed.
            kind: What it is to be.

        Raises:
            ValueError: If it may not be built, or cannot be.
        """
        try:
            made = from_file(node, targets, self.allow)
            if not isinstance(made, kind):
                raise FileError(f"it describes no {kind.__name__}.")
            return made
        except FileError as error:
            raise ValueError(f"Nothing of '{self.path}' is built: {error}") from error

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
        from torch import nn

        node = mapping_of(self.description["net"], "net")
        with torch.random.fork_rng(devices=[]), bounded(self.weights.values()):
            torch.manual_seed(seed)
            net: Any = self.build(node, NETS, nn.Module)
        state = self.weights
        if random_head:
            state = {k: v for k, v in state.items() if k.startswith("backbone.")}
            state = net.state_dict() | state
        try:
            net.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f"The weights in '{self.path}' do not fit the net that it describes. It was"
                f" written by {writer(self.description)}: install that version, or train again."
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


@contextmanager
def bounded(weights: Iterable[Tensor]) -> Iterator[None]:
    """Ends the building of nets that are much larger than the weights they are for.

    A few bytes of a description ask for any width. What is cut off again may be larger than what
    stays: a classifier, the stages behind the last that is read.

    Raises:
        ValueError: Where a parameter or a buffer exceeds the bound.
    """
    from torch.nn.modules import module

    stored = {value.untyped_storage().data_ptr(): value.untyped_storage() for value in weights}
    left = SPARE + 4 * sum(storage.nbytes() for storage in stored.values())

    def count(part: nn.Module, name: str, value: Tensor | None) -> None:
        nonlocal left
        left -= 0 if value is None else value.nbytes
        if left < 0:
            raise ValueError("it is far larger than the weights that are stored for it")

    hooks = [
        module.register_module_parameter_registration_hook(count),
        module.register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
