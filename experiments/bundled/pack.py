"""Packs a run into the file that the package carries: ``python -m experiments.bundled.pack RUN``.

What changes on the way: weights in float16, and the crops: the run saw whole tiles of one size, and
the packed net sees whole pictures of any size, which it pools alike.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from omegaconf import OmegaConf

from kdiqa.bundled import WEIGHTS
from kdiqa.config import load_checkpoint
from kdiqa.packed import write_packed

MAX_PIXELS = 2**22  # a larger picture is shrunk to them first


def main() -> None:
    """Writes the packed file, by default to its place in this checkout."""
    parser = argparse.ArgumentParser("python -m experiments.bundled.pack")
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--to", type=Path, default=WEIGHTS, metavar="FILE")
    options = parser.parse_args()
    checkpoint = load_checkpoint(options.run)
    config = OmegaConf.create(checkpoint["kdiqa"]["config"])
    crops = config.data.test_crops
    crops.size, crops.max_pixels = None, MAX_PIXELS
    kept = OmegaConf.create({"data": {"test_crops": crops, "pairs": {}}})
    told = checkpoint["kdiqa"] | {"config": OmegaConf.to_yaml(kept)}
    write_packed({**checkpoint, "kdiqa": told}, options.to, torch.float16)
    print(f"{options.to}: {options.to.stat().st_size} bytes")


if __name__ == "__main__":
    main()
