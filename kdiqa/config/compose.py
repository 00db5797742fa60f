"""Configurations: where they lie, how they are composed, and how their values are typed."""

import re
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

WORDS = ("null", "true", "false", "nan", "inf")  # which Hydra reads as no text


def either(word: Any, other: Any) -> Any:
    """Returns a word where it is set, and another where it is null."""
    return other if word is None else word


def unless(word: str, words: Container[str], value: Any) -> Any:
    """Returns a value, and None where a word is one of those that need none."""
    return None if word in words else value


OmegaConf.register_new_resolver("either", either, replace=True)
OmegaConf.register_new_resolver("unless", unless, replace=True)


def conf_dir() -> Path:
    """Returns the folder of the configuration, of an installation or of a checkout.

    An installed package carries it inside; a checkout has it next to the package.
    """
    package = Path(__file__).resolve().parents[1]
    inside, outside = package / "conf", package.parent / "conf"
    return inside if inside.is_dir() else outside


def compose(
    overrides: Iterable[str], config: str | None = "train", with_hydra: bool = False
) -> DictConfig:
    """Returns the configuration of a command line.

    Args:
        overrides: As they are typed.
        config: The file in ``conf/`` to begin with; None for nothing but the overrides.
        with_hydra: Leaves Hydra's own node in.

    Raises:
        HydraException: If an override names what there is not.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()  # a command's own configuration has been composed
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return hydra_compose(config, list(overrides), return_hydra_config=with_hydra)


def resolved_yaml(cfg: DictConfig) -> str:
    """Returns a configuration as YAML text, interpolations resolved."""
    return OmegaConf.to_yaml(cfg, resolve=True)


def quoted(value: Any) -> str:
    """Returns a path, a text, a switch or None as Hydra's override grammar writes it.

    Example:
        >>> quoted("logs/run"), quoted("my runs/1"), quoted("10"), quoted(None), quoted(False)
        ('logs/run', "'my runs/1'", "'10'", 'null', 'false')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = str(value)
    if re.fullmatch(r"[A-Za-z_][\w.-]*|[\w.-]*/[\w./-]*", text) and text.lower() not in WORDS:
        return text
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
