"""A timm network with its weights: from the hub, from a package, from a file, or random."""

import logging
import socket
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import timm
import torch
from huggingface_hub import constants
from torch import nn

import kdiqa.models.filters  # noqa: F401  tells timm of log_filters
from kdiqa.models.levels import Levels
from kdiqa.models.packaged import load_packaged

# Loading a classifier's file without its head is what is wanted here; check_weights checks the rest.
logging.getLogger("timm.models").setLevel(logging.ERROR)

# Taps that need the whole network, the family it must be of, and what that is called.
INCEPTION = ("inception_resnet_v2", "Inception-ResNet-v2")
WHOLE = {"post_merge": ("swin", "a Swin"), "inception": INCEPTION, "tokens": ("", "")}


def create_trunk(name: str, weights: str, pyramid: Levels, given: Mapping[str, Any]) -> nn.Module:
    """Returns the timm network with its weights, from the hub, a package, a file, or random.

    Its attention is fused where torch can: a Swin's pass takes three quarters of the time.
    """
    timm.layers.set_fused_attn(True, experimental=True)
    if name not in timm.list_models(name.split(".")[0]) and not timm.is_model(name):
        close = get_close_matches(name, timm.list_models(), n=5)
        raise ValueError(
            f"timm knows no model '{name}' (backbone.name). Close to it: {', '.join(close) or '–'}."
        )
    options = {"features_only": True, **given}
    if pyramid.taps != "blocks":  # of which there are more than timm has levels
        options.setdefault("out_indices", tuple(range(-pyramid.levels, 0)))
    if pyramid.taps in WHOLE:
        options = {**given, "num_classes": 0}
        family, title = WHOLE[pyramid.taps]
        if family not in name:
            raise ValueError(
                f"backbone.pyramid.taps={pyramid.taps} is for {title}, not '{name}'; use"
                " backbone.pyramid.taps=stages."
            )
    if weights == "random":
        return timm.create_model(name, pretrained=False, **options)
    if weights == "hub":
        return hub_trunk(name, options)
    if weights == "package":
        trunk = timm.create_model(name, pretrained=False, **options)
        load_packaged(trunk, name)
        return trunk
    check_weights(name, Path(weights), options)
    overlay = {**options.get("pretrained_cfg_overlay", {}), "file": weights, "custom_load": False}
    options = {**options, "pretrained_cfg_overlay": overlay}
    return timm.create_model(name, pretrained=True, **options)


def hub_trunk(name: str, options: Mapping[str, Any]) -> nn.Module:
    """Returns the network with timm's pretrained weights, downloaded or from the local cache."""
    if not reachable(constants.ENDPOINT):
        # It asks the local cache at once, instead of a minute's retries.
        constants.HF_HUB_OFFLINE = True
    try:
        return timm.create_model(name, pretrained=True, **options)
    except Exception as error:  # the hub's clients raise anything from OSError to their own
        raise RuntimeError(
            f"The pretrained weights of '{name}' could not be had from the hub or its local cache"
            f" ({type(error).__name__}). Give backbone.weights=FILE (a state dict of this timm"
            " model), run once with a network, or train without: backbone.weights=random."
        ) from error


def reachable(endpoint: str, seconds: float = 3.0) -> bool:
    """Returns whether the host of an address accepts a connection."""
    address = urlsplit(endpoint)
    where = (address.hostname, address.port or 443)
    with suppress(OSError), socket.create_connection(where, seconds):
        return True
    return False


def check_weights(name: str, path: Path, options: Mapping[str, Any]) -> None:
    """Raises unless the file holds every weight of the network's trunk, in its shapes.

    timm loads a ``features_only`` network leniently: what a file lacks would stay random.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"No backbone weights at '{path}'. Set backbone.weights to a state dict of the timm"
            f" model '{name}', to 'hub', 'package', or 'random'."
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        state = state.get("state_dict", state.get("model", state))
        held = {key.replace(".", "_"): value.shape for key, value in state.items()}
    except Exception as error:  # of a file that is not its own, the unpickler raises anything
        raise ValueError(
            f"'{path}' is no file of weights: it is damaged, or holds more than tensors by name. Set"
            f" backbone.weights to a state dict of the timm model '{name}'."
        ) from error
    trunk = timm.create_model(name, pretrained=False, **options)
    wanted = {key.replace(".", "_"): value.shape for key, value in trunk.state_dict().items()}
    # Counters and window tables are recomputed by timm; everything else must be in the file.
    derived = ("num_batches_tracked", "relative_position_index", "attn_mask")
    wrong = [k for k, shape in wanted.items() if held.get(k) != shape and not k.endswith(derived)]
    if wrong:
        raise ValueError(
            f"'{path}' does not hold the weights of '{name}': {len(wrong)} of {len(wanted)} tensors"
            f" are missing or of another shape, first {wrong[0]}. Check backbone.name,"
            " backbone.options and backbone.weights."
        )
