"""How far a student's numbers depend on its bank: the same images with several banks."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kdiqa.config.buildable import PAIRS
from kdiqa.data.dataset import references_of
from kdiqa.data.pairs.pool import Pool, with_banks
from kdiqa.evaluation.run import Evaluation, scored
from kdiqa.files import atomic
from kdiqa.metrics.correlation import summarize
from kdiqa.metrics.stored import rows_of
from kdiqa.metrics.table import Rows
from kdiqa.report.grid import Grid

METRICS = ("srcc", "plcc", "krcc", "rmse")


def pools_of(
    evaluation: Evaluation, count: int, size: int | None = None, folder: str | None = None
) -> list[Any]:
    """Returns banks of a run's pool, drawn by the seeds 0, 1, …, ready.

    Args:
        evaluation: Of a student that compares images with a pool of references.
        count: How many banks.
        size: References of each; None for as many as the run's own bank has.
        folder: Where the pool lies now; None for where it lay.

    Raises:
        ValueError: If the run has no bank, or its pool holds too few images.
    """
    banks = evaluation.checkpoint.description.get("banks") or {}
    if count < 1 or not banks:
        raise ValueError(
            f"banks is {count}, and '{evaluation.run}' has {len(banks)} bank(s) of references. Ask"
            " for 1 bank or more of a student that was trained with second=pool bank=K."
        )
    name, own = next(iter(banks.items()))
    node = with_banks(evaluation.checkpoint.data_node()["pairs"], banks, folder)[name]
    node |= {"bank": size or len(own["ids"]), "digest": None}
    pools = [
        evaluation.checkpoint.build(node | {"bank_seed": seed}, PAIRS, Pool)
        for seed in range(count)
    ]
    for pool in pools:
        pool.check([])
    return pools


def spread(
    evaluation: Evaluation, groups: Sequence[Sequence[Any]], device: str = "auto"
) -> list[dict[str, Any]]:
    """Scores all images with each bank, in one pass, and returns the metrics of each group.

    Args:
        evaluation: Whose folder takes a table and a summary a group.
        groups: Of :func:`pools_of`, each of banks of one size.
        device: ``cpu`` or ``cuda``; ``auto`` takes what there is.
    """
    crops, seed = evaluation.data.test_crops, evaluation.data.seed
    references = [references_of({"": pool}, crops, seed) for group in groups for pool in group]
    tables = iter(scored(evaluation, references, device))
    return [write(evaluation, group, [next(tables) for _ in group]) for group in groups]


def write(evaluation: Evaluation, pools: Sequence[Any], tables: Sequence[Rows]) -> dict[str, Any]:
    """Writes the scores with banks of one size, and their summary, which it returns."""
    scores = np.stack([rows.score for rows in tables])
    by_bank = [summarize(rows.score, rows.mos) for rows in tables]
    banks = [pool.metadata() for pool in pools]
    ddof = min(1, len(pools) - 1)  # a deviation is 0 with a single bank
    values = {name: np.array([bank[name] for bank in by_bank]) for name in METRICS}
    summary = {
        "banks": len(pools),
        "references": len(banks[0]["ids"]),
        "pool": len(pools[0].images),
        "metrics": {
            name: {"mean": float(x.mean()), "std": float(x.std(ddof=ddof))}
            for name, x in values.items()
        },
        # Of one image's score over the banks, the mean of all images.
        "score_std": float(scores.std(axis=0, ddof=ddof).mean()),
        "by_bank": [bank | metrics for bank, metrics in zip(banks, by_bank, strict=True)],
    }
    columns = {f"bank_{seed}": score for seed, score in enumerate(scores)}
    table = rows_of(evaluation.data, tables[0]).drop(columns="score")
    table = pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)
    path = evaluation.folder / f"banks_of_{summary['references']}.csv"
    atomic.write(path, table.to_csv(index=False))
    atomic.write(path.with_suffix(".json"), json.dumps(summary, indent=2) + "\n")
    return summary


def table(groups: Sequence[dict[str, Any]], title: str) -> Grid:
    """Returns the means and deviations as a table, a row a size of bank."""
    caption = f"{title}: {groups[0]['banks']} banks from {groups[0]['pool']} images"
    rows = []
    for group in groups:
        metrics = [group["metrics"][name] for name in METRICS]
        cells = [f"{metric['mean']:.4f} ± {metric['std']:.4f}" for metric in metrics]
        rows.append([f"K = {group['references']}", *cells, f"± {group['score_std']:.4f}"])
    return Grid(caption, [*(name.upper() for name in METRICS), "one image's score"], rows)
