"""Runs every comparison, one after the other, each in a process of its own.

    python -m bench --write

With ``--write`` they are recorded in ``bench/results/``, and ``docs/scaling.md`` gets their numbers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

# Each with what makes it quick: enough to see that it works, not to measure.
COMPARISONS: dict[str, list[str]] = {
    "redistortion": ["--repeats", "2"],
    "data_pipeline": ["--repeats", "1", "--samples", "200"],
    "training_step": ["--rounds", "1", "--batches", "2"],
    "precision": ["--steps", "1", "--batch", "1", "--crops", "2"],
    "epoch": ["--quick"],
    "agreement": ["--quick"],
    "folder_scoring": ["--count", "2", "--repeats", "1"],
    "folder_setup": ["--count", "40"],
    "scaling": ["--quick"],
    "export": ["--count", "8", "--repeats", "1"],
}
TRAINED = ("epoch", "agreement")


def commands(
    only: Sequence[str], quick: bool, write: bool, data: str | None = None
) -> list[list[str]]:
    """Returns the words behind ``python -m`` of each comparison.

    Args:
        only: Names of those that run; all where there is none.
        quick: Whether to see no more than that they work; nothing is recorded then.
        write: Whether to record them.
        data: A folder of BIQ2021's layout, for what trains.
    """
    made = []
    for name, short in COMPARISONS.items():
        if not only or name in only:
            more = short if quick else ["--write"] if write else []
            more = more + (["--data", data] if data and name in TRAINED else [])
            made.append([f"bench.{name}", *more])
    if write and not quick:
        made.append(["bench.scaling_page", "--write"])
    return made


def main() -> None:
    """Runs them, and ends with the number of those that failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=COMPARISONS, default=[], metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="see that they work; record nothing")
    parser.add_argument("--write", action="store_true", help="record them in bench/results/")
    parser.add_argument("--data", help="a folder of BIQ2021's layout, for what trains")
    options = parser.parse_args()
    failed = []
    if not (options.only or options.quick or options.data):
        options.only = [name for name in COMPARISONS if name != "agreement"]
        print("agreement is left out: it needs real opinions. Type --data and BIQ2021's folder.")
    for words in commands(options.only, options.quick, options.write, options.data):
        print(f"\n=== python -m {' '.join(words)}", flush=True)
        if subprocess.run([sys.executable, "-m", *words], check=False).returncode:
            failed.append(words[0])
    sys.exit(f"Failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
