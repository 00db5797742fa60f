"""The curves of a run that was interrupted: joined, and whole."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from kdiqa.files.append import complete
from kdiqa.files.atomic import write

CURVES = "metrics.csv"


def put_aside(folder: Path, last: Mapping[str, float] | None) -> None:
    """Puts the curves of an interrupted run aside: Lightning's logger would delete them.

    Args:
        folder: The run's.
        last: What the checkpoint that the run goes on from knows of its own epoch. It is written
            before the epoch's line, which is lost when the process dies in between.
    """
    path = folder / CURVES
    if path.is_file():
        table = read(path)
        if last is not None:
            table = completed(table, last)
        count = len(list(folder.glob("metrics_before_*.csv")))
        write(folder / f"metrics_before_{count}.csv", table.to_csv(index=False))
        path.unlink()


def completed(table: pd.DataFrame, last: Mapping[str, float]) -> pd.DataFrame:
    """Returns curves with those values of an epoch that they lack."""
    held = table[table["epoch"] == last["epoch"]] if len(table) else table
    lacking = {
        name: value
        for name, value in last.items()
        if name not in held.columns or not held[name].notna().any()
    }
    if not lacking:
        return table
    row = {"epoch": last["epoch"], "step": last["step"]} | lacking
    return pd.concat([table, pd.DataFrame([row])], ignore_index=True)


def join(folder: Path) -> None:
    """Joins the curves of all parts of an interrupted run, the later one's where two overlap."""
    before = sorted(folder.glob("metrics_before_*.csv"), key=lambda p: int(p.stem.split("_")[-1]))
    if not before:
        return
    tables: list[pd.DataFrame] = []
    for path in [*before, folder / CURVES]:
        table = read(path)
        if len(table):
            tables = [old[old["epoch"] < table["epoch"].min()] for old in tables] + [table]
    write(folder / CURVES, pd.concat(tables).to_csv(index=False))
    for path in before:
        path.unlink()


def read(path: Path) -> pd.DataFrame:
    """Returns the whole lines of a table: a process that was killed leaves half of one."""
    lines = complete(path.read_bytes())
    return pd.read_csv(io.BytesIO(lines)) if lines else pd.DataFrame()
