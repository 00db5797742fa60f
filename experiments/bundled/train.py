"""Trains the bundled student on what ``experiments.bundled.ladders`` made, and packs it.

``python -m experiments.bundled.train LADDERS``. The levels are filters that are written down in
``kdiqa/models/filters.py``; all that is trained starts from our own random numbers. The filters run
once over all tiles; after that an epoch takes a tenth of a second, which is why this is a loop of a
dozen lines and no run of the engine. Several nets are trained one after another for a fixed number
of epochs, and merged into the one that says their mean.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from omegaconf import OmegaConf
from rich.progress import track
from torch import Tensor

from kdiqa import __version__
from kdiqa.bundled import WEIGHTS
from kdiqa.config.checkpoint import FORMAT
from kdiqa.config.instantiate import instantiate
from kdiqa.config.packed import write_packed
from kdiqa.data.crops import Crops
from kdiqa.data.images.read import read_rgb
from kdiqa.data.scale import Label
from kdiqa.metrics.correlation import srcc
from kdiqa.training.losses import ScoreLoss

CROP = 128  # pixels, of the middle of a tile
EPOCHS, BATCH, RATE, DECAY = 20, 64, 2e-3, 0.02
MEMBERS = 5  # nets whose mean is the student: one alone depends on its seed
# What filters of differences can tell; they are blind to brightness and nearly so to colour.
SEEN = (
    *("pristine", "chain", "gaussian_blur", "lens_blur", "motion_blur", "jpeg2000", "jpeg"),
    *("white_noise", "white_noise_ycbcr", "impulse_noise", "multiplicative_noise", "denoise"),
    *("pixelate", "quantisation", "jitter", "high_sharpen"),
)
BACKBONE = {
    "_target_": "kdiqa.models.backbone.Backbone",
    "name": "log_filters",
    "weights": "random",  # it has none
    "pyramid": {
        "_target_": "kdiqa.models.levels.Levels",
        "grid": 1,
        "statistics": "mean_std",
        "norm": "none",
    },
}
NET = {"_target_": "kdiqa.models.level_net.LevelNet", "hidden": 64, "dropout": 0.1}
NET["backbone"] = BACKBONE
CONFIG = {  # what the packed student sees: a picture in tiles of that size, and nothing beside them
    "data": {
        "test_crops": {
            "_target_": "kdiqa.data.crops.Crops",
            "num": 1,
            "size": CROP,
            "mode": "tiles",
            "max_pixels": 2**22,
        },
        "pairs": {},
    }
}


class Part(NamedTuple):
    """The tiles of one part: pooled levels, each :math:`(N, 1, C, 1, 1)`, and scores :math:`(N,)`."""

    levels: list[Tensor]
    mos: Tensor


def main() -> None:
    """Trains, packs, and prints how well the held-out photographs are ranked."""
    parser = argparse.ArgumentParser("python -m experiments.bundled.train")
    parser.add_argument("ladders", type=Path, metavar="LADDERS")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of weights and order")
    parser.add_argument("--to", type=Path, default=WEIGHTS, metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    parts = features(options.ladders)
    nets = [trained(parts["train"]) for _ in track(range(MEMBERS), "Training")]
    net = merged(nets)
    node = {**NET, "hidden": net.first.out_features}
    described = {
        "format": FORMAT,
        "version": __version__,
        "net": OmegaConf.to_yaml(OmegaConf.create(node)),
        "config": OmegaConf.to_yaml(OmegaConf.create(CONFIG)),
        "pair": ["image"],
        "seed": 0,
        "data": {"label": Label(0.0, 1.0).as_dict()},
    }
    state = {f"net.{name}": value for name, value in net.state_dict().items()}
    write_packed({"kdiqa": described, "state_dict": state}, options.to, torch.float16)
    held_out = ("val", "test")  # both: nothing was chosen by either
    print(json.dumps({
        "seed": options.seed,
        "tiles": {name: len(part.mos) for name, part in parts.items()},
        "srcc": {name: ranked(net, parts[name]) for name in held_out},
        "srcc_of_members": {name: [ranked(one, parts[name]) for one in nets] for name in held_out},
    }))  # fmt: skip


def features(folder: Path) -> dict[str, Part]:
    """Returns the tiles of each part as the backbone sees them; kept beside the tiles."""
    kept = folder / "features.pt"
    if not kept.is_file():
        backbone = instantiate(BACKBONE)
        with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["distortion"] in SEEN]
        crops = Crops(1, CROP, "center")
        made: dict[str, list[Any]] = {"train": [], "val": [], "test": []}
        for row in track(rows, "Filtering"):
            crop = crops({"image": read_rgb(folder / row["image"])}, 0)["image"]
            with torch.no_grad():
                pyramid = backbone([torch.from_numpy(crop).permute(0, 3, 1, 2)[None]])[0]
            made[row["split"]].append((pyramid, float(row["mos"])))
        torch.save(
            {
                part: ([torch.cat(level) for level in zip(*(p for p, _ in all_), strict=True)],
                       torch.tensor([mos for _, mos in all_]))
                for part, all_ in made.items()
            },
            kept,
        )  # fmt: skip
    stored = torch.load(kept, weights_only=True)
    return {part: Part(levels, mos) for part, (levels, mos) in stored.items()}


def trained(train: Part) -> Any:
    """Returns a net after all epochs."""
    levels, mos = train
    net = instantiate(NET)
    net.standardise.observe(levels)
    loss = ScoreLoss(beta=0.1, correlation=0.5)
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        net.train().standardise.eval()  # all tiles have been observed
        for places in torch.randperm(len(mos)).split(BATCH):
            optimizer.zero_grad()
            loss(net([level[places] for level in levels]).score, mos[places]).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        schedule.step()
    return net.eval()


def merged(nets: Sequence[Any]) -> Any:
    """Returns the one net whose score is the mean of those of several, side by side in its layers."""
    whole = instantiate({**NET, "hidden": NET["hidden"] * len(nets)})
    whole.standardise.load_state_dict(nets[0].standardise.state_dict())
    with torch.no_grad():
        whole.first.weight.copy_(torch.cat([net.first.weight for net in nets]))
        whole.first.bias.copy_(torch.cat([net.first.bias for net in nets]))
        whole.second.weight.copy_(torch.block_diag(*(net.second.weight for net in nets)))
        whole.second.bias.copy_(torch.cat([net.second.bias for net in nets]))
        whole.head.weight.copy_(torch.cat([net.head.weight for net in nets], dim=1) / len(nets))
        whole.head.bias.copy_(torch.stack([net.head.bias for net in nets]).mean(dim=0))
    return whole.eval()


def ranked(net: Any, part: Part) -> float:
    """Returns the SRCC of a net's scores of a part's tiles."""
    with torch.no_grad():
        return round(srcc(net(part.levels).score.numpy(), part.mos.numpy()), 4)


if __name__ == "__main__":
    main()
