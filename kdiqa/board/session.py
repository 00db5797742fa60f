"""A run on W&B from its beginning to its end, whatever end that is."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import wandb
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only

FINISHED, FAILED, INTERRUPTED = 0, 1, 130  # exit codes; W&B shows all but the first as failed


def runs(loggers: Sequence[Any]) -> list[Any]:
    """Returns W&B's runs among loggers, on the first rank; other ranks have none."""
    if rank_zero_only.rank:  # type: ignore[attr-defined]
        return []
    return [logger.experiment for logger in loggers if isinstance(logger, WandbLogger)]


@contextmanager
def on_board(loggers: Sequence[Any], config: Mapping[str, Any]) -> Iterator[None]:
    """Begins W&B's runs with a configuration, and ends them as the body ends.

    Args:
        loggers: Of a trainer.
        config: Plain values, for the columns of W&B's table.
    """
    begun = runs(loggers)
    with _ended(begun):
        for run in begun:
            run.config.update(dict(config), allow_val_change=True)
        yield


@contextmanager
def evaluation(
    config: Mapping[str, Any], dataset: str, folder: Path, offline: bool
) -> Iterator[Any]:
    """Begins a run on W&B for an evaluation, in the group of the run that it evaluates.

    Args:
        config: The configuration of the evaluated run.
        dataset: What it is evaluated on.
        folder: Of the evaluation.
        offline: Whether it only goes to a file; WANDB_MODE has the last word.
    """
    logged = (config.get("logger") or {}).get("wandb") or {}
    name = logged.get("name") or f"{config['task']}-s{config['seed']}"
    mode: Any = os.environ.get("WANDB_MODE", "offline" if offline else "online")
    run = wandb.init(
        project=logged.get("project", "kdiqa"),
        entity=logged.get("entity"),
        name=f"{name}-on-{dataset}",
        group=logged.get("group") or str(config["task"]),
        job_type="eval",
        tags=[str(config["name"])[:64], dataset, f"split {config['split']}"],
        config=dict(config),
        dir=str(folder),
        mode=mode,
        reinit="create_new",
    )
    with _ended([run]):
        yield run


@contextmanager
def _ended(begun: Sequence[Any]) -> Iterator[None]:
    """Ends runs as the body ends.

    A run that is left open goes on into the next job of a multirun, and one that is ended without
    its exit code is shown as finished though it failed.
    """
    code = FAILED
    try:
        yield
        code = FINISHED
    except (KeyboardInterrupt, SystemExit):
        code = INTERRUPTED
        raise
    finally:
        for run in begun:
            run.finish(exit_code=code)
