"""A run on the board from its beginning to its end, whatever end that is."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import wandb
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only

FINISHED, FAILED, INTERRUPTED = (
    0,
    1,
    130,
)  # exit codes; the board shows all but the first as failed


def runs(loggers: Sequence[Any]) -> list[Any]:
    """Returns the board's runs among loggers, on the first rank; other ranks have none."""
    if rank_zero_only.rank:  # type: ignore[attr-defined]
        return []
    return [logger.experiment for logger in loggers if isinstance(logger, WandbLogger)]


@contextmanager
def on_board(loggers: Sequence[Any], config: Mapping[str, Any]) -> Iterator[None]:
    """Begins the board's runs with a configuration, and ends them as the body ends.

    A run that is left open goes on into the next job of a multirun, and one that is ended without
    its exit code is shown as finished though it failed.

    Args:
        loggers: Of a trainer.
        config: Plain values, for the board's columns.
    """
    code = FAILED
    begun = runs(loggers)
    try:
        for run in begun:
            run.config.update(dict(config), allow_val_change=True)
        yield
        code = FINISHED
    except (KeyboardInterrupt, SystemExit):
        code = INTERRUPTED
        raise
    finally:
        for run in begun:
            run.finish(exit_code=code)


@contextmanager
def evaluation(
    told: Mapping[str, Any], dataset: str, folder: Path, offline: bool
) -> Iterator[Any]:
    """Begins a run of the board for an evaluation, in the group of the run that it evaluates.

    Args:
        told: The configuration of the evaluated run.
        dataset: What it is evaluated on.
        folder: Of the evaluation.
        offline: Whether it only goes to a file; WANDB_MODE has the last word.
    """
    logged = (told.get("logger") or {}).get("wandb") or {}
    name = logged.get("name") or f"{told['task']}-s{told['seed']}"
    code = FAILED
    mode: Any = os.environ.get("WANDB_MODE", "offline" if offline else "online")
    run = wandb.init(
        project=logged.get("project", "kdiqa"),
        entity=logged.get("entity"),
        name=f"{name}-on-{dataset}",
        group=logged.get("group") or str(told["task"]),
        job_type="eval",
        tags=[str(told["name"])[:64], dataset, f"split {told['split']}"],
        config=dict(told),
        dir=str(folder),
        mode=mode,
        reinit="create_new",
    )
    try:
        yield run
        code = FINISHED
    finally:
        run.finish(exit_code=code)
