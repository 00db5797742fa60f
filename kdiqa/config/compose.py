"""Where the configuration lies, and how it is composed."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, OmegaConf


def conf_dir() -> Path:
    """Returns the folder of the configuration, of an installation or of a checkout.

    An installed package carries it inside; a checkout has it beside the package.
    """
    package = Path(__file__).resolve().parents[1]
    inside, beside = package / "conf", package.parent / "conf"
    return inside if inside.is_dir() else beside


def resolved_yaml(cfg: DictConfig) -> str:
    """Returns a configuration as YAML text, interpolations resolved."""
    return OmegaConf.to_yaml(cfg, resolve=True)
