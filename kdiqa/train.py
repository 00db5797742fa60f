"""Trains a teacher or a student: ``python -m kdiqa.train experiment=akd_demo``."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import hydra
import lightning as L
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from kdiqa import report
from kdiqa.board.naming import name_run
from kdiqa.board.session import on_board, runs
from kdiqa.config.checkpoint import FORMAT, Checkpoint
from kdiqa.config.compose import conf_dir, resolved_yaml
from kdiqa.config.instantiate import instantiate
from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.pairs.pool import bank_metadata
from kdiqa.data.splits.leaks import learnt_contents
from kdiqa.files.atomic import write
from kdiqa.files.lock import folder_lock
from kdiqa.metrics.selection import marked
from kdiqa.runtime import devices
from kdiqa.runtime.errors import plain_errors
from kdiqa.runtime.launch import PART_OF_A_RUN, RESOLVED, ranks_end_here, share_config_with_ranks
from kdiqa.runtime.malloc import keep_freed_memory
from kdiqa.runtime.quiet import quiet
from kdiqa.runtime.ranks import agreed, is_first, let_others_go_on, wait_for_first
from kdiqa.runtime.signals import listen
from kdiqa.systems.sskd.targets import teach
from kdiqa.training import search
from kdiqa.training.callbacks.finite import FiniteLoss
from kdiqa.training.callbacks.provenance import Provenance
from kdiqa.training.callbacks.saving import Listening, WholeCheckpoints
from kdiqa.training.experiment import (
    check,
    check_teacher,
    finished,
    guard_teacher,
    prepare_jobs,
    switch,
    where_it_stopped,
)
from kdiqa.training.features import keep_features, keeps_features
from kdiqa.training.resume import join, put_aside
from kdiqa.training.stages import pretrain, start, start_of

search.register()
console = Console()
Metrics = dict[str, dict[str, float]]


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def main(cfg: DictConfig) -> float | None:
    """Runs one experiment, whole: its teacher and its comparisons first, where it asks for them."""
    quiet()
    keep_freed_memory()
    folder = Path(HydraConfig.get().runtime.output_dir)
    cfg.run = str(folder)  # a multirun names its folders itself
    devices.take(cfg.trainer.devices)
    with plain_errors(folder), ranks_end_here():
        if not is_first():
            return run(cfg, folder)
        with folder_lock(folder, wait=PART_OF_A_RUN in os.environ):
            return run(cfg, folder)


def run(cfg: DictConfig, folder: Path) -> float:
    """Returns the validation metric that sweeps optimise.

    Args:
        cfg: The composed configuration.
        folder: Of this run.
    """
    first = is_first()
    if not finished(folder):
        wait_for_first()
    torch.set_float32_matmul_precision("high")
    switch(cfg)
    name_run(cfg, folder)
    data = check(cfg, folder)
    beside: dict[str, Path] = {}
    if first:
        to_train = cfg.teacher == "train"
        beside = prepare_jobs(cfg, folder)
        if to_train and (teacher := check_teacher(cfg)):
            guard_teacher(cfg, teacher, data)
        beside |= pretrain(cfg, folder)
        write(folder / RESOLVED, resolved_yaml(cfg))
    metrics = finished(folder) or fit_and_test(cfg, folder, data)
    if first:
        show(beside | {str(cfg.name): folder})
    return metrics["val"]["srcc"]


def fit_and_test(cfg: DictConfig, folder: Path, data: IQADataModule) -> Metrics:
    """Returns the metrics of a new run: selected on validation, the test split read once."""
    L.seed_everything(cfg.seed, workers=True, verbose=False)
    module = instantiate(cfg.module)
    if origin := start_of(cfg, folder):
        start(module.net, origin)
    callbacks = [instantiate(node) for node in cfg.callbacks.values() if node is not None]
    told = {"contents": learnt(cfg, data), "banks": bank_metadata(data.pairs)}
    callbacks.append(Provenance(folder, description(cfg) | told))
    callbacks += [FiniteLoss(), Listening(listen)]
    loggers = [instantiate(node) for node in cfg.logger.values() if node is not None]
    if keeps_features(cfg):
        keep_features(cfg, data, module, callbacks)
    teach(cfg, data, callbacks)
    share_config_with_ranks(folder)
    trainer: L.Trainer = instantiate(
        cfg.trainer, callbacks=callbacks, logger=loggers, plugins=[WholeCheckpoints()]
    )
    resumed, curve = where_it_stopped(folder) if cfg.resume else (None, None)
    if trainer.is_global_zero:
        put_aside(folder, curve)
    let_others_go_on()
    begun = time.monotonic()
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    try:
        with on_board(trainer.loggers, plain):
            trainer.fit(module, datamodule=data, ckpt_path=resumed, weights_only=True)
            best = trainer.checkpoint_callback.best_model_path  # type: ignore[union-attr]
            selected = Checkpoint.read(best)  # says if it is damaged
            for read in (trainer.validate, trainer.test):
                read(module, datamodule=data, ckpt_path=best, verbose=False, weights_only=True)
            if trainer.is_global_zero:
                join(folder)
                write_results(cfg, folder, selected, trainer, module, time.monotonic() - begun)
                send_panels(trainer.loggers, folder, data, report.draw(folder))
        return dict(module.metrics)
    except SystemExit as stopped:  # how Lightning ends after Ctrl-C
        raise KeyboardInterrupt from stopped
    finally:
        for logger in trainer.loggers:
            logger.finalize("success" if (folder / "results.json").is_file() else "failed")


def learnt(cfg: DictConfig, data: IQADataModule) -> list[dict[str, str]]:
    """Returns the contents this run learns from, its teacher's among them."""
    teacher = check_teacher(cfg)
    return learnt_contents(data.assignment) + ([] if teacher is None else teacher.contents or [])


def description(cfg: DictConfig) -> dict[str, Any]:
    """Returns what every checkpoint says of itself, in plain containers."""
    import kdiqa

    node = OmegaConf.create(OmegaConf.to_container(cfg.module.net, resolve=True))
    return {
        "format": FORMAT,
        "version": kdiqa.__version__,
        "net": OmegaConf.to_yaml(node),
        "config": resolved_yaml(cfg),
        "pair": list(cfg.module.pair),
        "seed": int(cfg.seed),
        "split": int(cfg.split),
    }


def write_results(
    cfg: DictConfig,
    folder: Path,
    selected: Checkpoint,
    trainer: L.Trainer,
    module: Any,
    seconds: float,
) -> None:
    """Writes ``results.json``: what a finished run found. Its presence says that it finished."""
    checkpoint: Any = trainer.checkpoint_callback
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    made = {
        "name": str(cfg.name),
        "metrics": module.metrics,
        "selected_on": checkpoint.monitor,
        "best_epoch": int(selected.content["epoch"]),
        "epochs": trainer.current_epoch,
        "seconds": round(seconds, 1),
        "trainable_parameters": trained,
        "data": selected.description["data"]["digest"],
        "seed": int(cfg.seed),
        "split": int(cfg.split),
    }
    write(folder / "results.json", json.dumps(made, indent=2) + "\n")


def show(folders: dict[str, Path]) -> None:
    """Prints the table of this run and of those beside it, and where the pictures are."""
    results = {}
    for name, folder in folders.items():
        path = folder / "results.json"
        if path.is_file():
            made = json.loads(path.read_text())
            results[marked(name, made)] = made["metrics"]["test"]
    console.print(report.table(results, title="Held-out test split"))
    for name, folder in folders.items():
        console.print(f"{name}: [link=file://{folder.resolve()}]{folder}[/link]", highlight=False)
        for picture in sorted((folder / "figures").glob("*.png")):
            console.print(f"  {picture}", highlight=False)


def send_panels(loggers: list[Any], folder: Path, data: Any, pictures: list[Path]) -> None:
    """Sends rows, tables and pictures to Weights & Biases, where that is a logger."""
    for run in runs(loggers):
        from kdiqa.board import panels

        dataset = type(data).__module__.rpartition(".")[2]
        panels.summarise(run, json.loads((folder / "results.json").read_text()), dataset)
        panels.send(run, folder, data.root, dataset, pictures)


if __name__ == "__main__":
    # By its importable name: joblib, submitit and Ray send the function to other processes, and what
    # stands in __main__ would travel with all that this file holds.
    from kdiqa.train import main as job

    sys.argv[1:] = agreed(sys.argv[1:])
    job()
