"""How far a student's numbers depend on its bank: the same images beside several banks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import OmegaConf
from rich.table import Table

from kdiqa.config.instantiate import instantiate
from kdiqa.data.dataset import references_of
from kdiqa.evaluation.run import Evaluation, scored_beside
from kdiqa.metrics.correlation import summarize
from kdiqa.metrics.stored import rows_of
from kdiqa.metrics.table import Rows

SHOWN = ("srcc", "plcc", "krcc", "rmse")


def pools_of(
    made: Evaluation, count: int, size: int | None = None, folder: str | None = None
) -> list[Any]:
    """Returns banks of a run's pool, drawn by the seeds 0, 1, …, ready.

    Args:
        made: Of a student that compares images with a pool's pictures.
        count: How many banks.
        size: Pictures of each; None for as many as the run's own bank has.
        folder: Where the pool lies now; None for where it lay.

    Raises:
        ValueError: If the run has no bank, or its pool holds too few pictures.
    """
    banks = made.checkpoint.description.get("banks") or {}
    if count < 1 or not banks:
        raise ValueError(
            f"banks is {count}, and '{made.run}' has {len(banks)} bank(s) of references. Ask for 1"
            " bank or more of a student that was trained with second=pool bank=K."
        )
    name, own = next(iter(banks.items()))
    node: Any = made.checkpoint.config.data.pairs[name]
    node.bank, node.folder = size or len(own["ids"]), str(folder or node.folder)
    pools = [instantiate(OmegaConf.merge(node, {"bank_seed": seed})) for seed in range(count)]
    for pool in pools:
        pool.check([])
    return pools


def spread(
    made: Evaluation, groups: Sequence[Sequence[Any]], device: str = "auto"
) -> list[dict[str, Any]]:
    """Scores all images beside each bank, once, and returns what each group of banks says.

    Args:
        made: What to do; scores and findings go to its folder, a file a group.
        groups: Of :func:`pools_of`, each of banks of one size.
        device: ``cpu`` or ``cuda``; ``auto`` takes what there is.
    """
    pools = [pool for group in groups for pool in group]
    crops, seed = made.data.test_crops, made.data.seed
    references = [references_of({"": pool}, crops, seed) for pool in pools]
    tables = iter(scored_beside(made, references, device))
    made.folder.mkdir(parents=True, exist_ok=True)
    return [write(made, group, [next(tables) for _ in group]) for group in groups]


def write(made: Evaluation, pools: Sequence[Any], tables: Sequence[Rows]) -> dict[str, Any]:
    """Writes the scores beside banks of one size, and what they say, and returns that."""
    scores = np.stack([rows.score for rows in tables])
    by_bank = [summarize(rows.score, rows.mos) for rows in tables]
    chosen = [pool.told() for pool in pools]
    found = {
        "banks": len(pools),
        "references": len(chosen[0]["ids"]),
        "pool": len(pools[0].pictures),
        "metrics": {name: deviation([told[name] for told in by_bank]) for name in SHOWN},
        # Of one image's score over the banks, the mean of all images; 0 with a single bank.
        "score_std": float(scores.std(axis=0, ddof=min(1, len(pools) - 1)).mean()),
        "by_bank": [bank | metrics for bank, metrics in zip(chosen, by_bank, strict=True)],
    }
    named = {f"bank_{seed}": score for seed, score in enumerate(scores)}
    table = rows_of(made.data, tables[0]).drop(columns="score")
    whole = pd.concat([table, pd.DataFrame(named, index=table.index)], axis=1)
    stem = f"banks_of_{found['references']}"
    whole.to_csv(made.folder / f"{stem}.csv", index=False)
    (made.folder / f"{stem}.json").write_text(json.dumps(found, indent=2) + "\n")
    return found


def deviation(values: list[float]) -> dict[str, float]:
    """Returns the mean and the standard deviation, which is 0 where there is one value.

    Example:
        >>> deviation([1.0, 2.0, 3.0])
        {'mean': 2.0, 'std': 1.0}
    """
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": spread}


def shown(groups: Sequence[dict[str, Any]], title: str) -> Table:
    """Returns the means and deviations as a table to print, a row a size of bank."""
    first = groups[0]
    table = Table(title=f"{title}: {first['banks']} banks from {first['pool']} pictures")
    for heading in ("K", *(name.upper() for name in SHOWN), "one image's score"):
        table.add_column(heading, justify="right")
    for found in groups:
        told = [found["metrics"][name] for name in SHOWN]
        cells = [f"{one['mean']:.4f} ± {one['std']:.4f}" for one in told]
        table.add_row(str(found["references"]), *cells, f"± {found['score_std']:.4f}")
    return table
