"""One distillation step in each precision: loss, images per second, peak memory.

    python -m bench.precision --write

The official student and teacher heads on a frozen Swin-T with random weights, two images of ten
crops and their re-distorted copies, one optimizer step. Precisions run in turn in one process.
Half precision with loss scaling (16-mixed) needs a GPU; on a CPU its row is left out.
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial
from typing import Any

import lightning as L
import torch

from bench.record import peak_memory, record
from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels
from kdiqa.runtime.malloc import keep_freed_memory
from kdiqa.runtime.quiet import quiet
from kdiqa.systems.akd.distiller import LevelDistiller
from kdiqa.systems.akd.net import AKDNet
from kdiqa.systems.akd.weighting import SoftmaxWeighting
from kdiqa.training.distillation import Distillation
from kdiqa.training.losses import ScoreLoss
from kdiqa.training.schedules import Constant
from kdiqa.training.student import StudentModule

CUDA = torch.cuda.is_available()
PRECISIONS = ["32-true", "bf16-mixed", *(["16-mixed"] if CUDA else [])]


class Clock(L.Callback):
    """Seconds of each step, the first left out."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_batch_start(self, *unused: object) -> None:
        """Starts the clock, before the callback that runs the backbone."""
        self.begun = time.perf_counter()

    def on_train_batch_end(self, *unused: object) -> None:
        """Stops it when the device is done."""
        if CUDA:
            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self.begun)


class Batches(torch.utils.data.Dataset):
    """The same crops over and over."""

    def __init__(self, steps: int, batch: int, crops: int) -> None:
        generator = torch.Generator().manual_seed(0)
        shape = (2, crops, 3, 224, 224)
        self.pairs = torch.randint(0, 256, (batch, *shape), dtype=torch.uint8, generator=generator)
        self.steps = steps

    def __len__(self) -> int:
        return self.steps * len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        image, second = self.pairs[index % len(self.pairs)]
        mos = torch.tensor(0.5 + 0.1 * (index % 3))
        return {"image": image, "second": second, "mos": mos, "index": torch.tensor(index)}


def step(precision: str, steps: int, batch: int, crops: int) -> tuple[float, float, float]:
    """Returns images per second, peak memory in GiB, and the last loss."""
    torch.manual_seed(0)
    backbone = Backbone(
        "swin_tiny_patch4_window7_224", "random", pyramid=Levels(taps="post_merge")
    )
    teacher = AKDNet(backbone, crops, depth=36, distorted_depth=18)
    module = StudentModule(
        net=AKDNet(backbone, crops),
        loss=ScoreLoss(),
        optimizer=partial(torch.optim.Adam, lr=1e-3),
        distiller=LevelDistiller(SoftmaxWeighting(), "squared"),
    )
    clock = Clock()
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    trainer = L.Trainer(
        max_epochs=1, precision=precision, devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, use_distributed_sampler=False,
        callbacks=[clock, Distillation(teacher, Constant(0.1))],
    )  # fmt: skip
    loader = torch.utils.data.DataLoader(Batches(steps + 1, batch, crops), batch)
    trainer.fit(module, loader)
    loss = float(trainer.callback_metrics["train/loss"])
    return batch / statistics.median(clock.seconds[1:]), peak_memory(), loss


def main() -> None:
    """Measures, prints and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="record it in bench/results/")
    parser.add_argument("--steps", type=int, default=3 if not CUDA else 20)
    parser.add_argument("--batch", type=int, default=2 if not CUDA else 16)
    parser.add_argument("--crops", type=int, default=10)
    options = parser.parse_args()
    quiet(), keep_freed_memory()
    rows: list[dict[str, Any]] = []
    for precision in PRECISIONS:
        rate, peak, loss = step(precision, options.steps, options.batch, options.crops)
        rows.append({"precision": precision, "images/s": rate})
        rows[-1] |= {"ratio to 32-true": rate / rows[0]["images/s"], "peak memory, GiB": peak}
        rows[-1]["mean loss"] = round(loss, 4)
        print(rows[-1], flush=True)
    held = "" if CUDA else " The peak is the process's: a later row's holds the earlier ones."
    record(
        "precision",
        "One distillation step in each precision",
        f"python -m bench.precision --steps {options.steps} --batch {options.batch}"
        f" --crops {options.crops} --write",
        f"Swin-T, batch {options.batch} x {options.crops} crops and their copies; median of"
        f" {options.steps} steps after one that is not counted.{held}",
        rows,
        options.write,
    )


if __name__ == "__main__":
    main()
