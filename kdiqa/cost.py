"""What a score costs: ``python -m kdiqa.cost RUN…``: parameters, multiply-adds, milliseconds."""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from skimage import data
from torch.utils.flop_counter import FlopCounterMode

from kdiqa.config.buildable import Allow
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.jnd import Itself
from kdiqa.data.pairs.pairing import Pairing, Reference
from kdiqa.report.grid import Grid
from kdiqa.runtime.devices import one_thread
from kdiqa.runtime.quiet import quiet
from kdiqa.scorer.open import opened, paired, pairing_of
from kdiqa.scorer.predictor import Predictor

COLUMNS = ("parameters", "trained", "crops", "MMAC", "ms net", "ms in all")
EPILOG = """One image at a time, on the CPU, in one thread; medians. parameters: of all that scores,
the backbone's among them; trained: those that are not frozen. MMAC: millions of multiply-adds of
convolutions, matrix products and attention over all crops and the second image's. ms net: from
crops to score; ms in all: from the image's pixels, cropping and re-distortion included."""


@dataclass(frozen=True)
class Cost:
    """What one score of a run's net costs; :data:`EPILOG` says what each number counts."""

    name: str
    run: str  # its folder or checkpoint
    parameters: int
    trained: int
    crops: str  # number, height and width
    macs: int
    net_ms: float
    whole_ms: float

    def cells(self) -> list[str]:
        """Returns the row of a table."""
        counts = [f"{number / 1e6:.3f} M" for number in (self.parameters, self.trained)]
        times = [f"{value:.1f}" for value in (self.net_ms, self.whole_ms)]
        return [self.name, *counts, self.crops, f"{self.macs / 1e6:,.1f}", *times]


def paired_or_itself(checkpoint: Checkpoint, name: str, data: Mapping[str, Any]) -> Pairing:
    """Returns a net's second image; for a teacher, the image itself: it costs as much."""
    if isinstance(pairing_of(checkpoint, name, data), Reference):
        return Itself()
    return paired(checkpoint, name, data)


def cost(run: str | Path, image: NDArray[np.uint8], repeats: int = 21, allow: Allow = ()) -> Cost:
    """Returns what a run's net costs for one image.

    Args:
        run: A run folder or a checkpoint, a teacher's too.
        image: RGB, uint8, :math:`(H, W, 3)`; crops of whole images and tiles depend on its size.
        repeats: Scores that are timed.
        allow: Classes, or packages of them, that its file may build besides ours.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        ValueError: If it is none of ours.
    """
    checkpoint = Checkpoint.read(run, allow=allow)
    predictor = opened(checkpoint, Predictor, pair=paired_or_itself)
    batch = predictor.batch_of(image)
    # The features of a bank of references are cached: no second image passes the net.
    passes = [batch[name][0] for name in dict.fromkeys(predictor.pair) if name in batch]
    shape = "×".join(map(str, passes[0].shape[-2:]))
    parameters = list(predictor.net.parameters())
    return Cost(
        name=str(checkpoint.config.get("name", run)),
        run=str(run),
        parameters=sum(p.numel() for p in parameters),
        trained=sum(p.numel() for p in parameters if p.requires_grad),
        crops=f"{sum(len(crops) for crops in passes)} of {shape}",
        macs=multiply_adds(lambda: predictor.predict(batch)),
        net_ms=milliseconds(lambda: predictor.predict(batch), repeats),
        whole_ms=milliseconds(lambda: predictor.predict(predictor.batch_of(image)), repeats),
    )


def multiply_adds(call: Callable[[], Any]) -> int:
    """Returns the multiply-adds of a call's convolutions, matrix products and attention.

    Example:
        >>> import torch
        >>> multiply_adds(lambda: torch.ones(2, 3) @ torch.ones(3, 5))
        30
    """
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() // 2


def milliseconds(call: Callable[[], Any], repeats: int) -> float:
    """Returns the median time of a call, after one that is not timed."""
    call()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return 1000 * median(times)


def table(costs: Sequence[Cost], caption: str = "") -> Grid:
    """Returns the table; runs of one name are followed by their folders."""
    names = [one.name for one in costs]
    rows = [one.cells() for one in costs]
    for row, one in zip(rows, costs, strict=True):
        if names.count(one.name) > 1:
            row[0] = f"{one.name} ({one.run})"
    return Grid(caption, COLUMNS, rows)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    command = argparse.ArgumentParser(
        "kdiqa cost", description="What one score of a trained net costs.", epilog=EPILOG
    )
    add = command.add_argument
    add("runs", nargs="+", metavar="RUN", help="run folders or checkpoints, of teachers too")
    add("--picture", type=Path, metavar="FILE", help="default: an image of 512×512")
    add("--repeats", type=int, default=21, metavar="N", help="scores that are timed, default 21")
    add("--allow", action="append", default=[], metavar="PACKAGE", help="a package of yours whose"
        " classes the model's file may build")  # fmt: skip
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--markdown", action="store_true", help="a table for a README")
    shown.add_argument("--json", action="store_true", help="plain numbers, a list of objects")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what the command line asks for, and returns the exit code."""
    quiet()
    command = parser()
    options = command.parse_args(arguments)
    if options.repeats < 1:
        command.error(f"--repeats is {options.repeats}; give at least 1.")
    one_thread()
    errors = Console(stderr=True)
    try:
        image = read_rgb(options.picture) if options.picture else data.astronaut()
        runs = track(options.runs, "Measuring", console=errors, transient=True)
        costs = [cost(run, image, options.repeats, options.allow) for run in runs]
    except (OSError, ValueError, RuntimeError) as error:
        command.error(str(error))
    if options.json:
        print(json.dumps([asdict(one) for one in costs], indent=2))
    elif options.markdown:
        print(table(costs).markdown())
    else:
        Console().print(table(costs, "What one score costs").console())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
