"""Students trained online against students trained from kept features: do they rank alike?

    python -m bench.agreement --data BIQ2021 --write

``akd_biq2021`` twice for each seed, with one teacher that both have, at fewer pixels and epochs than
the experiment has, so that an online epoch takes a minute: what is compared is SRCC on the test
images. Both ways re-distort an image alike, as the experiment has it; kept features are float16, and
a teacher's word on them is. ``KDIQA_BACKBONES`` names the folder of the experiment's weights.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.epoch import TEACHER, train, write_biq2021, write_weights
from bench.record import record

WAYS = ("online", "cached")
QUICK = ("data.batch_size=4", "trainer.limit_train_batches=2", "trainer.limit_val_batches=1")


def agreement(
    words: Sequence[str], home: Path, seeds: Sequence[int], together: int
) -> list[dict[str, Any]]:
    """Returns the test SRCC of each seed and way, and a row of what they come to.

    Args:
        words: Of every run.
        home: Gets the runs.
        seeds: One pair of runs each.
        together: How many runs at once, of one thread each.
    """
    teacher = train([*words, *TEACHER, "features=cached"], home / "teacher")
    runs = [(way, seed) for seed in seeds for way in WAYS]

    def srcc(run: tuple[str, int]) -> float:
        way, seed = run
        more = [f"features={way}", f"teacher={teacher}", f"seed={seed}"]
        folder = train([*words, *more], home / f"{way}_{seed}", threads=1)
        said = float(json.loads((folder / "results.json").read_text())["metrics"]["test"]["srcc"])
        print(f"{way}, seed {seed}: {said:.4f}", flush=True)
        return said

    with ThreadPoolExecutor(together) as pool:
        found = dict(zip(runs, pool.map(srcc, runs), strict=True))
    rows: list[dict[str, Any]] = [
        {"seed": str(seed)} | {f"{way}, SRCC": f"{found[way, seed]:.4f}" for way in WAYS}
        for seed in seeds
    ]
    of = {way: [found[way, seed] for seed in seeds] for way in WAYS}
    for name, amount in (("mean", statistics.mean), ("standard deviation", statistics.stdev)):
        rows.append({"seed": name} | {f"{way}, SRCC": f"{amount(of[way]):.4f}" for way in WAYS})
    return rows


def main() -> None:
    """Trains, prints and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder of BIQ2021's layout")
    parser.add_argument("--size", type=int, default=128, help="side of an image as it is seen")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--together", type=int, default=2, help="runs at once")
    parser.add_argument("--quick", action="store_true", help="a few images: does it work?")
    parser.add_argument("--write", action="store_true", help="record it in bench/results/")
    options = parser.parse_args()
    if options.data is None and not options.quick:
        parser.error("--data is missing: type --data and the folder of BIQ2021, or --quick")
    if len(options.seeds) < 2:
        parser.error("--seeds has one; a standard deviation needs two or more")
    size, epochs = (64, 1) if options.quick else (options.size, options.epochs)
    words = [
        f"data.train_crops.size={size}", f"data.test_crops.size={size}",
        f"trainer.max_epochs={epochs}", "data.num_workers=0",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        home, root = Path(folder), options.data
        if options.quick:
            root = write_biq2021(home / "data", {"Train": 24, "Test": 8}, root)
            weights = write_weights(home / "weights.pth", "mobilenetv2_100")
            words += [*QUICK, f"module.net.backbone.weights={weights}"]
        words.append(f"data.root={root.resolve()}")
        rows = agreement(words, home, options.seeds, options.together)
    seeds = " ".join(map(str, options.seeds))
    record(
        "agreement",
        "Students trained online and from kept features",
        f"python -m bench.agreement --data BIQ2021 --size {size} --epochs {epochs} --seeds {seeds}"
        " --write",
        f"akd_biq2021 on whole images of {size} x {size}, {epochs} epochs, a teacher of the same"
        " images; SRCC on the test images.",
        rows,
        options.write and not options.quick,
    )


if __name__ == "__main__":
    main()
