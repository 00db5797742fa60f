"""Fits the bundled student for photographs on cached features, and packs it.

``python -m experiments.bundled.photo CACHE``. CACHE is what ``experiments.bundled.features`` wrote. Three
heads learn, on EfficientNet-Lite0's frozen statistics, the rank of BIQ2021's official training
photographs by their MOS, the order of the steps of ladders and their pseudo MOS, and that drawn images
are no good photographs; they are merged into the one head that returns their mean. 1,000 training photographs
and 16 pristine pictures are held out; the official test is not read here.
"""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from omegaconf import OmegaConf
from rich.progress import track
from scipy.stats import rankdata
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from experiments.bundled.features import BACKBONE, CROPS, Reader
from experiments.bundled.train import merged
from kdiqa import __version__
from kdiqa.bundled import MODELS
from kdiqa.config.checkpoint import FORMAT
from kdiqa.config.instantiate import instantiate
from kdiqa.config.packed import write_packed
from kdiqa.data.scale import Label
from kdiqa.metrics.correlation import srcc

EPOCHS, BATCH, RATE, DECAY, MEMBERS = 12, 64, 2e-3, 0.05, 3
HELD_OUT = 1000  # photographs
WORST = 0.65  # the deviation index at which a pseudo MOS is 0
BEST = 0.85  # the rank of a pristine picture
MARGIN, ORDER, LEVEL, FLAT = 0.3, 5.0, 1.2, 0.2  # of the order's hinge; weights of the terms
DRAWINGS = 150
NET = {
    "_target_": "kdiqa.models.level_net.LevelNet",
    "hidden": 128,
    "dropout": 0.3,
    "backbone": {**BACKBONE, "weights": "random"},
}


class Ladders(NamedTuple):
    """Steps of ladders, N rows, and pairs of them that stand next to each other."""

    features: NDArray[np.float32]
    pseudo: NDArray[np.float32]
    """Pseudo MOS in [0, 1]."""
    pairs: NDArray[np.int64]
    """The better and the worse row, :math:`(M, 2)`."""
    kinds: NDArray[np.str_]
    """The type of each pair."""


def main() -> None:
    """Fits, packs, and prints how well the held-out images are ranked."""
    parser = argparse.ArgumentParser("python -m experiments.bundled.photo")
    parser.add_argument("cache", type=Path, metavar="CACHE")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--to", type=Path, default=MODELS["photo"], metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = default_rng(options.seed)
    features, mos = photographs(options.cache / "photographs")
    order = rng.permutation(len(mos))
    held, fitted = order[:HELD_OUT], order[HELD_OUT:]
    train, val = (ladders(options.cache / "ladders" / part) for part in ("train", "val"))
    reader = Reader()
    flat = np.concatenate([reader([drawing(i, rng)]) for i in range(DRAWINGS)]).astype(np.float32)
    ranks = (rankdata(mos[fitted]) / len(fitted)).astype(np.float32)
    sets = (features[fitted], ranks, train, flat)
    nets = [trained(*sets, options.seed + i) for i in track(range(MEMBERS), "Fitting")]
    net = merged(nets, NET)
    net.backbone.load_state_dict(reader.backbone.state_dict())
    pack(net, options.to)
    score = scores(net, val.features)
    ordered = score[val.pairs[:, 0]] > score[val.pairs[:, 1]]
    each = {
        kind: round(float(ordered[val.kinds == kind].mean()), 3) for kind in np.unique(val.kinds)
    }
    print(json.dumps({
        "seed": options.seed,
        "rows": {"photographs": len(fitted), "ladders": len(train.features)},
        "held_out_srcc": round(srcc(scores(net, features[held]), mos[held]), 4),
        "srcc_of_members": [round(srcc(scores(one, features[held]), mos[held]), 4) for one in nets],
        "steps_in_order": round(float(ordered.mean()), 4),
        "each": each,
    }))  # fmt: skip


def photographs(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Returns features and MOS of the official training list."""
    files = [np.load(path) for path in sorted(folder.glob("*.npz"))]
    features, mos, test = (
        np.concatenate([file[key] for file in files]) for key in ("features", "mos", "test")
    )
    return features[~test].astype(np.float32), mos[~test].astype(np.float64)


def ladders(folder: Path) -> Ladders:
    """Returns all ladders of a part."""
    features, pseudo, pairs, kinds, start = [], [], [], [], 0
    for path in sorted(folder.glob("*.npz")):
        file = np.load(path)
        rows = {
            (k, n): start + i
            for i, (k, n) in enumerate(zip(file["kind"], file["level"], strict=True))
        }
        for (kind, level), row in rows.items():
            if level:
                better = rows["pristine", 0] if level == 1 else rows[kind, level - 1]
                pairs.append((better, row))
                kinds.append(kind)
        features.append(file["features"])
        pseudo.append(1 - np.clip(file["deviation"] / WORST, 0, 1) ** 2)
        start += len(rows)
    return Ladders(
        np.concatenate(features).astype(np.float32),
        np.concatenate(pseudo).astype(np.float32),
        np.array(pairs),
        np.array(kinds),
    )


def drawing(number: int, rng: Generator) -> NDArray[np.uint8]:
    """Returns an image that is no photograph: plain, noise, a gradient, or rectangles."""
    height, width = (int(side) for side in rng.integers(96, 512, 2))
    colour, other = rng.integers(0, 256, (2, 3))
    image = np.broadcast_to(colour, (height, width, 3)).astype(np.float64)
    match number % 5:
        case 0:
            image = np.full_like(image, rng.choice([0, 128, 255, int(colour[0])]))
        case 1:
            image = (
                np.repeat(rng.integers(0, 256, (height, width, 1)), 3, 2)
                if number % 2
                else rng.integers(0, 256, image.shape)
            )
        case 2:
            image = image + rng.normal(0, rng.uniform(2, 60), image.shape)
        case 3:
            image = np.linspace(colour, other, width)[None].repeat(height, 0)
        case 4:
            for _ in range(rng.integers(1, 12)):
                top, left = rng.integers(0, height), rng.integers(0, width)
                image[
                    top : top + rng.integers(5, height), left : left + rng.integers(5, width)
                ] = rng.integers(0, 256, 3)
    return np.clip(image, 0, 255).astype(np.uint8)


def trained(
    features: NDArray[np.float32],
    ranks: NDArray[np.float32],
    steps: Ladders,
    flat: NDArray[np.float32],
    seed: int,
) -> Any:
    """Returns a net whose head is fitted."""
    torch.manual_seed(seed)
    rng = default_rng(seed)
    net = instantiate(NET)
    both = [pyramid(net, rows) for rows in (features, steps.features)]
    for some in both:  # photographs and ladders count alike
        net.standardise.observe(some)
    heads = [p for name, p in net.named_parameters() if not name.startswith("backbone.")]
    optimizer = torch.optim.AdamW(heads, RATE / 2, weight_decay=DECAY)
    total = EPOCHS * -(-len(ranks) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=total)
    photos, laddered, plain = (torch.from_numpy(x) for x in (features, steps.features, flat))
    target, pseudo = torch.from_numpy(ranks), torch.from_numpy(steps.pseudo)
    for _ in range(EPOCHS):
        net.train().standardise.eval()
        for rows in torch.from_numpy(rng.permutation(len(ranks))).split(BATCH):
            pairs = torch.from_numpy(steps.pairs[rng.integers(len(steps.pairs), size=BATCH)])
            drawn = torch.from_numpy(rng.integers(len(flat), size=6))
            seen = torch.cat(
                [photos[rows], laddered[pairs[:, 0]], laddered[pairs[:, 1]], plain[drawn]]
            )
            parts = net(pyramid(net, seen)).score.split([len(rows), BATCH, BATCH, 6])
            loss = fit_loss(*parts, target[rows], pseudo[pairs[:, 0]], pseudo[pairs[:, 1]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def fit_loss(
    photo: Tensor,
    better: Tensor,
    worse: Tensor,
    flat: Tensor,
    rank: Tensor,
    high: Tensor,
    low: Tensor,
) -> Tensor:
    """Returns the loss of a step: ranks, their correlation, the order and level of ladders, drawings."""
    x, y = photo - photo.mean(), rank - rank.mean()
    loss = 4 * smooth_l1_loss(photo, rank, beta=0.1)
    loss = loss + 0.2 * (1 - (x * y).sum() / (x.norm() * y.norm() + 1e-8))
    gap = MARGIN * (high - low).clamp(min=0.03) + 0.01
    loss = loss + ORDER * torch.relu(gap - (better - worse)).mean()
    laddered, level = torch.cat([better, worse]), BEST * torch.cat([high, low])
    loss = loss + LEVEL * smooth_l1_loss(laddered, level, beta=0.1)
    return loss + FLAT * smooth_l1_loss(flat, torch.full_like(flat, 0.02), beta=0.1)


def pyramid(net: Any, rows: Any) -> list[Tensor]:
    r"""Returns features :math:`(N, F)` as the backbone gives them, levels :math:`(N, 1, C_l, 1, 1)`."""
    return [
        x[:, None, :, None, None] for x in torch.as_tensor(rows).split(list(net.backbone.dims), 1)
    ]


@torch.no_grad()
def scores(net: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns a net's scores of features."""
    found: NDArray[np.float32] = net(pyramid(net, rows)).score.numpy()
    return found


def pack(net: Any, path: Path) -> None:
    """Writes the student: 16 bits for filters and matrices."""
    node = {**NET, "hidden": net.first.out_features}
    config = {"data": {"test_crops": CROPS, "pairs": {}}}
    described = {
        "format": FORMAT,
        "version": __version__,
        "net": OmegaConf.to_yaml(OmegaConf.create(node)),
        "config": OmegaConf.to_yaml(OmegaConf.create(config)),
        "pair": ["image"],
        "seed": 0,
        "data": {"label": Label(0.0, 1.0).as_dict()},
    }
    state = {
        f"net.{name}": value.half() if value.ndim == 4 and name.startswith("backbone.") else value
        for name, value in net.state_dict().items()
    }
    write_packed({"kdiqa": described, "state_dict": state}, path, torch.float16)


if __name__ == "__main__":
    main()
