"""One distillation step: the published arrangement, ours online, ours from kept features.

    python -m bench.training_step --write

The three take turns on the same crops in one process; ratios are of neighbours in time, their
median over rounds. ``bare`` is the two backbone passes that any online step needs, nothing else.
On a CPU they have one thread and seconds are of the processor, so that other work on the machine
counts less. Peak memory is of a process of its own that took two steps.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from functools import cache, partial
from multiprocessing import get_context
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.published import training_step as published_step
from bench.record import peak_memory, record
from kdiqa.batch import Prediction, restored
from kdiqa.data.cache.predictions import batch_first
from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels
from kdiqa.runtime.malloc import keep_freed_memory
from kdiqa.systems.akd.distiller import LevelDistiller
from kdiqa.systems.akd.net import AKDNet
from kdiqa.systems.akd.weighting import SoftmaxWeighting

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
BACKBONES = {
    "Swin-T": {"name": "swin_tiny_patch4_window7_224", "pyramid": Levels(taps="post_merge")},
    "mobilenetv2_100": {"name": "mobilenetv2_100"},
}
CROPS = 10
Step = Callable[[], object]


def clock() -> float:
    """Returns seconds: of the processor, or of the wall once a GPU is done."""
    if CUDA:
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def steps(backbone: str, batch: int) -> dict[str, Step]:
    """Returns what is compared, each a call that takes one whole step."""
    torch.manual_seed(0)
    trunk = Backbone(weights="random", **BACKBONES[backbone])  # type: ignore[arg-type]
    student = AKDNet(trunk, CROPS).to(DEVICE)
    unfused = deepcopy(trunk)  # the published code writes its attention out
    for module in unfused.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False
    teacher = AKDNet(trunk, CROPS, depth=36, distorted_depth=18).to(DEVICE).requires_grad_(False)
    distiller = LevelDistiller(SoftmaxWeighting(), "squared").to(DEVICE)
    trained = [p for p in (*student.parameters(), *distiller.parameters()) if p.requires_grad]
    adam = torch.optim.Adam(trained, lr=1e-4)
    logits = nn.Parameter(torch.zeros(4, device=DEVICE))
    plain = torch.optim.Adam([*(p for p in student.parameters() if p.requires_grad), logits], 1e-4)
    shape = (2, batch, CROPS, 3, 224, 224)
    image, second = torch.randint(0, 256, shape, dtype=torch.uint8).to(DEVICE)
    mos = torch.rand(batch, device=DEVICE)
    given = {"image": image, "second": second, "mos": mos}

    def learn(pyramids: list[list[Tensor]], said: Prediction) -> Tensor:
        ours = student(*pyramids)
        made = distiller(ours, said, mos)
        loss = F.smooth_l1_loss(ours.score, mos) + 0.1 * made.terms["level"]
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss

    def online() -> Tensor:
        pyramids = trunk((image, second))
        with torch.no_grad():
            said = teacher(*pyramids)
        return learn(pyramids, said)

    @cache
    def kept() -> tuple[list[list[Tensor]], dict[str, Tensor]]:
        with torch.no_grad():
            pyramids = trunk((image, second))
            parts = batch_first(teacher(*pyramids)).items()
        halves = [[level.half() for level in levels] for levels in pyramids]
        return halves, {name: part.half() for name, part in parts}

    def cached() -> Tensor:
        halves, said = kept()
        return learn([[level.float() for level in levels] for levels in halves], restored(said))

    return {
        "published": partial(published_step, student, teacher, unfused, logits, plain, given),
        "online": online,
        "cached": cached,
        "bare": torch.no_grad()(partial(trunk, (image, second))),
    }


def measured(backbone: str, batch: int, rounds: int) -> dict[str, Any]:
    """Returns the row of a backbone and batch size."""
    compared = steps(backbone, batch)
    seconds: dict[str, list[float]] = {name: [] for name in compared}
    for turn in range(rounds + 1):
        for name, step in compared.items():
            often = 1 if name in ("published", "bare", "online") else 3
            begun = clock()
            for _ in range(often):
                step()
            if turn:  # the first round is not counted
                seconds[name].append((clock() - begun) / often)

    def ratio(slow: str, fast: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[slow], seconds[fast], strict=True))

    return {
        "backbone": backbone,
        "batch": batch,
        "published, s": statistics.median(seconds["published"]),
        "online, s": statistics.median(seconds["online"]),
        "cached, s": statistics.median(seconds["cached"]),
        "published / online": ratio("published", "online"),
        "published / cached": ratio("published", "cached"),
        "online / bare passes": ratio("online", "bare"),
    }


def peak(backbone: str, batch: int, name: str) -> float:
    """Returns the peak memory in GiB of a process that takes two such steps."""
    keep_freed_memory()
    step = steps(backbone, batch)[name]
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    step(), step()
    return peak_memory()


def main() -> None:
    """Measures, prints and records."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds of each comparison")
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--write", action="store_true", help="record it in bench/results/")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)  # processor time of two would count their waiting for each other
    rows = []
    for backbone in BACKBONES:
        for batch in options.batches:
            rows.append(measured(backbone, batch, options.rounds))
            for name in ("published", "online"):
                with get_context("spawn").Pool(1) as pool:
                    rows[-1][f"{name}, peak GiB"] = pool.apply(peak, (backbone, batch, name))
            print(rows[-1], flush=True)
    record(
        "training_step",
        "One distillation step of AKD-IQA",
        f"python -m bench.training_step --rounds {options.rounds} --write",
        f"{CROPS} crops of 224 and their second images, official depths, float32,"
        f" threads: {torch.get_num_threads()}; seconds of {'the wall' if CUDA else 'the processor'}.",
        rows,
        options.write,
    )


if __name__ == "__main__":
    main()
