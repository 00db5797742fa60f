"""What other banks would have said: ``python experiments/cvrkd/banks.py RUN RUN RUN``.

Each run has been evaluated by ``python -m kdiqa.evaluate run=RUN data=biq2021 banks=10 bank=[1,5,10]``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from kdiqa.figures.style import COLOURS, NARROW, STYLE

HERE = Path(__file__).parent


def found(runs: list[Path]) -> dict[int, list[dict[str, Any]]]:
    """Returns by size of bank what each run's evaluation says, in the order of the runs."""
    made: dict[int, list[dict[str, Any]]] = {}
    for run in runs:
        for path in (run / "evaluations" / "biq2021").glob("banks_of_*.json"):
            told = json.loads(path.read_text())
            made.setdefault(told["references"], []).append(told)
    return dict(sorted(made.items()))


def summary(told: list[dict[str, Any]]) -> dict[str, float]:
    """Returns means over the runs: of SRCC, of its deviation over banks, and of a score's."""
    names = {"srcc": "mean", "srcc_std": "std"}
    made = {n: np.mean([one["metrics"]["srcc"][key] for one in told]) for n, key in names.items()}
    made["score_std"] = np.mean([one["score_std"] for one in told])
    return {name: round(float(value), 5) for name, value in made.items()}


@mpl.rc_context(STYLE)
def drawn(by_size: dict[int, list[dict[str, Any]]]) -> Figure:
    """Returns the SRCC beside each bank, a column a size and a colour a run."""
    figure = Figure(figsize=(NARROW, 3.0))
    axes = figure.subplots()
    for place, told in enumerate(by_size.values()):
        for run, one in enumerate(told):
            srcc = [bank["srcc"] for bank in one["by_bank"]]
            x = place + 0.18 * (run - (len(told) - 1) / 2)
            label = f"seed {run}" if place == 0 else None
            axes.plot([x] * len(srcc), srcc, "o", color=COLOURS[run], alpha=0.6, ms=4, label=label)
    axes.set_xticks(range(len(by_size)), [str(size) for size in by_size])
    axes.set_xlabel("references in a bank; each point is one of ten banks")
    axes.set_ylabel("SRCC on the test images")
    axes.legend(loc="center right")
    return figure


def main() -> None:
    """Writes ``banks.json`` and ``figures/banks.png``, and prints the rows of a table."""
    by_size = found([Path(word) for word in sys.argv[1:]])
    if not by_size:
        raise SystemExit(f"No banks_of_K.json in the runs named.\n\n{__doc__}")
    made = {str(size): summary(told) for size, told in by_size.items()}
    (HERE / "banks.json").write_text(json.dumps(made, indent=1) + "\n")
    (HERE / "figures").mkdir(exist_ok=True)
    drawn(by_size).savefig(HERE / "figures" / "banks.png")
    for size, row in made.items():
        cells = f"{row['srcc']:.4f} | {row['srcc_std']:.4f} | {row['score_std']:.4f}"
        print(f"| {size} | {cells} |")


if __name__ == "__main__":
    main()
