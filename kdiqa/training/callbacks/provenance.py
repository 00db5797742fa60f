"""Where a run and its checkpoints come from."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lightning as L

import kdiqa
from kdiqa.files.atomic import write

PACKAGES = ("torch", "torchvision", "lightning", "timm", "hydra-core", "albumentations", "numpy")


class Provenance(L.Callback):
    """Writes ``provenance.json`` and the split, and lets every checkpoint describe itself.

    Args:
        folder: The run's.
        description: Plain values for every checkpoint: the net's and the whole configuration as
            YAML text, seeds, the policy of crops.
        images: The digest of all images that the run reads.
    """

    def __init__(self, folder: str | Path, description: Mapping[str, Any], images: str) -> None:
        self.folder, self.description, self.images = Path(folder), dict(description), images

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Takes the data's digest and label scale, and writes the file on the first rank."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        digests = {"digest": data.digest, "images": self.images}
        self.description["data"] = digests | {"label": data.label.as_dict()}
        if trainer.is_global_zero:
            metadata = {
                "command": [sys.executable, *sys.argv],
                "git": git_state(Path(kdiqa.__file__).parent),
                "versions": versions(),
                "data": self.description["data"],
                "seed": self.description["seed"],
                "split": self.description["split"],
                "machine": {
                    "platform": platform.platform(),
                    "device": str(module.device),
                    "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
                },
            }
            self.folder.mkdir(parents=True, exist_ok=True)
            data.assignment.write(self.folder / "split.csv")
            write(self.folder / "provenance.json", json.dumps(metadata, indent=2) + "\n")

    def on_save_checkpoint(
        self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Adds the description and the epoch's values; all of it plain containers."""
        known = {name: float(value) for name, value in trainer.callback_metrics.items()}
        known |= {"epoch": trainer.current_epoch, "step": trainer.global_step - 1}
        checkpoint["kdiqa"] = self.description | {"curve": known}


def versions() -> dict[str, str]:
    """Returns the versions of this package, of Python, and of what the numbers depend on."""
    installed = {"kdiqa": kdiqa.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            installed[package] = version(package)
    return installed


def git_state(folder: Path) -> dict[str, Any]:
    """Returns the commit of a checkout and whether it was changed since, or that there is none."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}
