"""All draws of this study in one process, on the features that its runs have cached.

    python experiments/when_it_pays/draws.py TID2013 PRISTINE --draws 20 --labelled 1 2 4

The nets, splits, features and settings of ``experiment=few_references``, in a loop without a trainer around it: what takes a
study of 300 jobs an hour of a quiet machine is had in minutes. Writes draws.csv, one row a draw, next to this file.
"""

import argparse
import csv
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional as F

from kdiqa.config.compose import compose
from kdiqa.config.instantiate import instantiate
from kdiqa.data.cache.features import PyramidCache
from kdiqa.data.splits.split import Split
from kdiqa.metrics.correlation import srcc
from kdiqa.models.pooled import PooledNet, PooledPairNet, ScoreHead
from kdiqa.training.features import cache_features

REFERENCE = "{_target_:kdiqa.data.pairs.pairing.Reference}"
HERE = Path(__file__).parent
ARMS = ("teacher", "alone", "alone, own statistics", "taught", "random teacher")
FLAT = partial(ScoreHead, start=0.5, flat=True)


def features(words: list[str], subsets: tuple[str, ...]) -> tuple[Any, dict[int, list[Tensor]]]:
    """Returns a data module and, by record, the features of an image and of its reference."""
    cfg = compose(words)
    data = instantiate(cfg.data)
    data.setup()
    data.add_unlabelled()
    backbone = instantiate(cfg.module.net.backbone)
    cache_features(PyramidCache(**cfg.cache), cfg.data, data, backbone)
    rows = {}
    for subset in subsets:
        for sample in (data.cached[subset][i] for i in range(len(data.cached[subset]))):
            pyramids = sample["pyramids"]
            (pair,) = (name for name in pyramids if name != "image")
            rows[int(sample["index"])] = [
                torch.cat([level.flatten() for level in pyramids[name]])
                for name in ("image", pair)
            ]
    return data, rows


def fit(
    net: Any, inputs: list[Tensor], target: Tensor, weight: Tensor, steps: int, seed: int
) -> None:
    """Trains a net's head by the weighted loss of batches of 64, in new orders."""
    optimizer = torch.optim.AdamW(net.head.parameters(), 3e-4, weight_decay=0.05)
    draw = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    net.train()
    order: Tensor = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) == 0:
            order = torch.randperm(len(target), generator=draw)
        batch, order = order[:64], order[64:]
        score = net(*([x[batch][:, None, :, None, None]] for x in inputs)).score
        each = F.smooth_l1_loss(score, target[batch], reduction="none")
        loss = (weight[batch] * each).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()


class Width:
    """Stands for a backbone whose features are there: one level of so many channels."""

    def __init__(self, dim: int) -> None:
        self.dims = [dim]


def scored(net: Any, inputs: list[Tensor]) -> Tensor:
    """Returns a net's scores."""
    with torch.no_grad():
        return net(*([x[:, None, :, None, None]] for x in inputs)).score  # type: ignore[no-any-return]


def draw_of(tested: Any, synthetic: list[Tensor], count: int, split: int) -> dict[str, float]:
    """Returns the SRCC of all arms on the references that one draw does not label."""
    data, pair, mos = tested
    total = len({record.content for record in data.records})
    parts = Split(split, "content", (count / total, 0, 1 - count / total), carve=False)
    known = torch.tensor([part == "train" for part in parts.assign(data.records)])
    labels, one = mos[known], torch.ones(int(known.sum()))
    dim = pair[0].shape[1]
    results = {}

    def test(name: str, net: Any, inputs: list[Tensor]) -> None:
        results[name] = srcc(scored(net, inputs).numpy(), mos[~known].numpy())

    torch.manual_seed(split)
    teacher = PooledPairNet(Width(dim), FLAT, input_norm="running")  # type: ignore[arg-type]
    fit(teacher, [x[known] for x in pair], labels, one, 200, split)
    test("teacher", teacher, [x[~known] for x in pair])
    random = PooledPairNet(Width(dim), partial(ScoreHead, start=0.5), input_norm="running")  # type: ignore[arg-type]
    random.load_state_dict({**random.state_dict(), **statistics(teacher)})
    student = partial(PooledNet, Width(dim), FLAT, input_norm="running", input_dropout=0.5)
    image = torch.cat([pair[0][known], synthetic[0]])
    for name, teaching in (("taught", teacher), ("random teacher", random)):
        taught: Any = student()
        target = torch.cat([labels, scored(teaching, synthetic)])
        fit(
            taught,
            [image],
            target,
            torch.cat([3 * one, torch.ones(len(synthetic[0]))]),
            480,
            split,
        )
        test(name, taught, [pair[0][~known]])
    measured = statistics(taught)
    for name in ("alone", "alone, own statistics"):
        alone: Any = student()
        if name == "alone":  # knows the unlabelled images' statistics, as the taught one does
            alone.load_state_dict({**alone.state_dict(), **measured})
            alone.standardise.observe = lambda image: None
        fit(alone, [pair[0][known]], labels, one, 480, split)
        test(name, alone, [pair[0][~known]])
    return results


def statistics(net: Any) -> dict[str, Tensor]:
    """Returns what a net has measured of its inputs, which no label has taught it."""
    return {key: value for key, value in net.state_dict().items() if "standardise" in key}


def main() -> None:
    """Runs all draws, prints their table, and writes them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tid2013")
    parser.add_argument("pristine")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--labelled", type=int, nargs="+", default=[1, 4, 2])
    given = parser.parse_args()
    torch.set_num_threads(1)
    root = f"data.root={given.tid2013}"
    data, rows = features(["experiment=teacher_few_references", root], ("train", "test"))
    pair = [torch.stack([rows[i][k] for i in range(len(data.records))]) for k in (0, 1)]
    mos = torch.tensor([record.mos for record in data.records], dtype=torch.float32)
    words = ["experiment=few_references", root, f"pool={given.pristine}"]
    theirs, rows = features(words, ("train",))
    extra = range(len(theirs.records), len(theirs.records) + len(theirs.extra))
    synthetic = [torch.stack([rows[i][k] for i in extra]) for k in (0, 1)]
    table: list[dict[str, float]] = []
    for count in given.labelled:
        for split in range(given.draws):
            row = draw_of((data, pair, mos), synthetic, count, split)
            table.append({"labelled": count, "split": split, **row})
            print(count, split, {name: round(value, 3) for name, value in row.items()}, flush=True)
            with (HERE / "draws.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, ["labelled", "split", *ARMS])
                writer.writeheader()
                writer.writerows(table)
    show()


def show() -> None:
    """Prints the table of the rows in draws.csv, and draws it."""
    rows = pd.read_csv(HERE / "draws.csv")
    figure, axes = plt.subplots(figsize=(6, 3.5))
    counts = sorted(rows["labelled"].unique())
    for arm in ("teacher", "taught", "alone", "random teacher"):
        means = [rows[rows["labelled"] == count][arm].mean() for count in counts]
        axes.plot([str(count) for count in counts], means, marker="o", label=arm)
    axes.set(
        xlabel="labelled references of TID2013", ylabel="mean SRCC on all others", ylim=(0, 1)
    )
    axes.legend(frameon=False, loc="lower right")
    (HERE / "figures").mkdir(exist_ok=True)
    figure.savefig(HERE / "figures" / "gain.png", dpi=120, bbox_inches="tight")
    for count in counts:
        part = rows[rows["labelled"] == count]
        means = ", ".join(f"{arm} {part[arm].mean():.3f}" for arm in ARMS)
        print(f"{count} labelled references, {len(part)} draws: {means}")
        for arm in ("taught", "random teacher"):
            gain = part[arm] - part["alone"]
            low, high = stats.t.interval(0.95, len(gain) - 1, gain.mean(), stats.sem(gain))
            print(
                f"  {arm} {gain.mean():+.3f} [{low:+.3f}, {high:+.3f}], least {gain.min():+.3f},"
                f" above in {(gain > 0).sum()}"
            )


if __name__ == "__main__":
    main()
