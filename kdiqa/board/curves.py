"""How Weights & Biases reads a run's curves."""

import lightning as L
from lightning.pytorch.loggers import WandbLogger

BY_EPOCH = ("train/*", "val/*", "kd/*", "teacher/*", "optim/*", "perf/*")
HIGHEST = ("val/srcc", "val/plcc", "val/plcc_fit", "val/krcc")


class Panels(L.Callback):
    """Tells Weights & Biases which curve is read against which, and which end of it is best."""

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Defines the metrics of every such logger, on the first rank."""
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger) and trainer.is_global_zero:
                run = logger.experiment
                run.define_metric("epoch")
                for section in BY_EPOCH:
                    run.define_metric(section, step_metric="epoch")
                for name in HIGHEST:
                    run.define_metric(name, step_metric="epoch", summary="max")
                run.define_metric("val/rmse", step_metric="epoch", summary="min")
