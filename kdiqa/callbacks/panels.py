"""What Weights & Biases shows of a finished run. The only file that speaks to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import wandb
from lightning.pytorch.loggers import WandbLogger

EXTREMES = 16


class Panels(L.Callback):
    """Tells Weights & Biases which curve is read against which, and which end of it is best."""

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Defines the metrics of every such logger, on the first rank."""
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger) and trainer.is_global_zero:
                run = logger.experiment
                run.define_metric("epoch")
                for section in ("train/*", "val/*", "kd/*", "teacher/*", "optim/*", "perf/*"):
                    run.define_metric(section, step_metric="epoch")
                for name in ("val/srcc", "val/plcc", "val/plcc_fit", "val/krcc"):
                    run.define_metric(name, step_metric="epoch", summary="max")
                run.define_metric("val/rmse", step_metric="epoch", summary="min")


def send(logger: WandbLogger, folder: Path, figures: list[Path]) -> None:
    """Sends a finished run's rows, its best and worst predictions, and its figures.

    Args:
        logger: Of the run.
        folder: The run's, with ``predictions/test.csv``.
        figures: PNG files.
    """
    run: Any = logger.experiment
    rows = pd.read_csv(folder / "predictions" / "test.csv")
    run.log({"test/predictions": wandb.Table(dataframe=rows.astype({"id": str}))})
    error = (rows["score"] - rows["mos"]).abs()
    for name, order in (("best", error.sort_values()), ("worst", error.sort_values()[::-1])):
        chosen = rows.loc[order.index[:EXTREMES]]
        run.log({f"test/{name}": wandb.Table(dataframe=chosen)})
    for figure in figures:
        run.log({f"figures/{figure.stem}": wandb.Image(str(figure))})
