"""Where a run goes on: its last checkpoint, given weights, and curves without a gap."""

import io
import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from torch import nn

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.files.append import complete
from kdiqa.files.atomic import write

CURVES = "metrics.csv"


def archive_curves(folder: Path, last: Mapping[str, float] | None) -> None:
    """Archives the curves of an interrupted run: Lightning's logger would delete them.

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


def join_curves(folder: Path) -> None:
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
    """Returns the complete lines of a table: a process that was killed leaves half of one."""
    lines = complete(path.read_bytes())
    return pd.read_csv(io.BytesIO(lines)) if lines.strip() else pd.DataFrame()


def where_it_stopped(folder: Path) -> tuple[str | None, dict[str, float] | None]:
    """Returns the checkpoint a run goes on from, and what it knows of its epoch.

    Twice None where the run had not come to its first.

    Raises:
        ValueError: If it cannot be read, or is of a run that stood in another folder.
    """
    last = folder / "checkpoints" / "last.ckpt"
    if not last.is_file():
        return None, None
    checkpoint = Checkpoint.read(last)
    states = checkpoint.content["callbacks"]
    stood = {state["dirpath"] for state in states.values() if "best_model_score" in state}
    here = os.path.realpath(last.parent)
    if stood - {here}:
        raise ValueError(
            f"This run stood in '{Path(min(stood - {here})).parent}' when it stopped, and now in"
            f" '{folder}': its best checkpoint would be forgotten. Move it back to go on."
        )
    return str(last), checkpoint.description.get("curve")


def start_from(net: nn.Module, checkpoint: Checkpoint) -> None:
    """Gives a net the weights of a checkpoint's, to train on from there.

    Raises:
        ValueError: If it is that of another net.
    """
    state, wanted = checkpoint.weights, net.state_dict()
    wrong = [
        name
        for name in sorted(wanted.keys() | state.keys())
        if name not in state or name not in wanted or state[name].shape != wanted[name].shape
    ]
    if wrong:
        raise ValueError(
            f"'{checkpoint.path}' holds the weights of another net: {len(wrong)} tensors are missing, are not"
            f" in this one, or have another shape, first {wrong[0]}. Set start to a run of the same"
            " module.net, or start=null."
        )
    net.load_state_dict(state)
