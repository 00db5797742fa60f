"""A run that has been checked: fitted, tested, and written."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import LambdaCallback
from omegaconf import OmegaConf

from kdiqa import report
from kdiqa.board.session import on_board, runs
from kdiqa.config.checkpoint import Checkpoint, describe
from kdiqa.data.cache.features import PyramidCache
from kdiqa.data.pairs.pool import bank_metadata
from kdiqa.data.splits.leaks import learnt_contents
from kdiqa.files.atomic import write
from kdiqa.metrics import seals
from kdiqa.runtime.launch import share_config_with_ranks
from kdiqa.runtime.ranks import let_others_go_on
from kdiqa.runtime.signals import listen
from kdiqa.training.callbacks.finite import FiniteLoss
from kdiqa.training.callbacks.provenance import Provenance
from kdiqa.training.callbacks.saving import AtomicCheckpoints
from kdiqa.training.features import cache_features, caches_features
from kdiqa.training.jobs import start_of
from kdiqa.training.plan import Plan
from kdiqa.training.resume import archive_curves, join_curves, start_from, where_it_stopped


def fit(plan: Plan) -> dict[str, dict[str, float]]:
    """Returns the metrics of a new run: selected on validation, the test split read once.

    Args:
        plan: Checked, with its jobs done; gets the module.
    """
    L.seed_everything(plan.cfg.seed, workers=True, verbose=False)
    plan.module = plan.build(plan.cfg.module)
    if origin := start_of(plan):
        start_from(plan.module.net, Checkpoint.read(origin))
    trainer = prepared(plan)
    resumed, curve = where_it_stopped(plan.folder) if plan.cfg.resume else (None, None)
    if trainer.is_global_zero:
        archive_curves(plan.folder, curve)
    let_others_go_on()
    begun = time.monotonic()
    with logged(plan, trainer):
        trainer.fit(plan.module, datamodule=plan.data, ckpt_path=resumed, weights_only=True)
        results = tested(plan, trainer, begun)
        if trainer.is_global_zero:
            write_results(plan, results, trainer.loggers)
    return results["metrics"]


def prepared(plan: Plan) -> L.Trainer:
    """Returns the trainer, with callbacks that have done what they do before training."""
    cfg = plan.cfg
    callbacks = [plan.build(node) for node in cfg.callbacks.values() if node is not None]
    loggers = [plan.build(node) for node in cfg.logger.values() if node is not None]
    learnt = learnt_contents(plan.data.assignment)
    learnt += [content for teacher in plan.teachers for content in teacher.contents or []]
    described = describe(cfg) | {"contents": learnt, "banks": bank_metadata(plan.data.pairs)}
    if caches_features(cfg):
        cache_features(PyramidCache(**cfg.cache), cfg.data, plan.data, plan.module.net.backbone)
    for callback in callbacks:
        if hasattr(callback, "prepare"):
            callback.prepare(plan)
    plan.teachers = []  # their weights are where they are used by now
    # SIGTERM, taken back from Lightning as each loop begins: a run stops at once.
    loops = ("on_train_start", "on_validation_start", "on_test_start")
    listening = LambdaCallback(**dict.fromkeys(loops, lambda *_: listen()))
    callbacks += [Provenance(plan.folder, described, plan.images), FiniteLoss(), listening]
    share_config_with_ranks(plan.folder, cfg.allow)
    return plan.build(  # type: ignore[no-any-return]
        cfg.trainer, callbacks=callbacks, logger=loggers, plugins=[AtomicCheckpoints()]
    )


@contextmanager
def logged(plan: Plan, trainer: L.Trainer) -> Iterator[None]:
    """Logs a run from its beginning to its end, whatever end that is."""
    config: Any = OmegaConf.to_container(plan.cfg, resolve=True)
    try:
        with on_board(trainer.loggers, config):
            yield
    except SystemExit as stopped:  # how Lightning ends after Ctrl-C
        raise KeyboardInterrupt from stopped
    finally:
        finished = (plan.folder / "results.json").is_file()
        for logger in trainer.loggers:
            logger.finalize("success" if finished else "failed")


def tested(plan: Plan, trainer: L.Trainer, begun: float) -> dict[str, Any]:
    """Returns the content of ``results.json``: the selected weights, validated and tested."""
    module, selection = plan.module, trainer.checkpoint_callback
    path = selection.best_model_path  # type: ignore[union-attr]
    best = Checkpoint.read(path)  # its error names a file that is damaged
    for read in (trainer.validate, trainer.test):
        read(module, datamodule=plan.data, ckpt_path=path, verbose=False, weights_only=True)
    return {
        "name": str(plan.cfg.name),
        "metrics": dict(module.metrics),
        "selected_on": selection.monitor,  # type: ignore[union-attr]
        "best_epoch": int(best.content["epoch"]),
        "epochs": trainer.current_epoch,
        "seconds": round(time.monotonic() - begun, 1),
        "trainable_parameters": sum(p.numel() for p in module.parameters() if p.requires_grad),
        "data": best.description["data"]["digest"],
        "rows": sealed(plan.folder),
        "seed": int(plan.cfg.seed),
        "split": int(plan.cfg.split),
    }


def sealed(folder: Path) -> dict[str, str]:
    """Returns the digest of each stored table's seal, by which a report knows its rows again."""
    files = sorted(folder.glob(f"predictions/*{seals.SUFFIX}"))
    return {file.stem: seals.digest(file.read_text(encoding="utf-8")) for file in files}


def write_results(plan: Plan, results: Mapping[str, Any], loggers: list[Any]) -> None:
    """Writes the curves, ``results.json`` (the run has finished) and figures, and sends them to W&B."""
    folder = plan.folder
    join_curves(folder)
    write(folder / "results.json", json.dumps(results, indent=2) + "\n")
    figures = report.draw(folder)
    for run in runs(loggers):
        from kdiqa.board import panels

        dataset = type(plan.data).__module__.rpartition(".")[2]
        panels.summarise(run, results, dataset)
        panels.send(run, folder, plan.data.root, dataset, figures)
