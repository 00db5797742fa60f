"""Trains tiny nets on fakes, in this process, exactly as the command does."""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from hydra.core.hydra_config import HydraConfig
from lightning import seed_everything
from omegaconf import DictConfig, OmegaConf, open_dict

from kdiqa.config.compose import compose, quoted
from kdiqa.train import run
from kdiqa.training.checks import check
from kdiqa.training.plan import Plan
from kdiqa.training.student import StudentModule

BACKBONE = "test_efficientnet"
TINY = (
    "backbone=mobilenetv2_100",
    f"module.net.backbone.name={BACKBONE}",
    "module.net.depth=2",
    "module.net.distorted_depth=1",
    "num_crops=2",
    "crop_size=32",
    "data.num_workers=0",
    "data.batch_size=8",
    "trainer=cpu",
    "trainer.max_epochs=2",
    "callbacks.progress=null",
)
TEACHER = (
    *("data=tid2013", "module=teacher", "net=akd_teacher", "second=reference", "distiller=none"),
    *TINY,
    *("module.net.depth=4", "module.net.distorted_depth=2", "name=teacher"),
)
STUDENT = ("data=tid2013", *TINY)


def write_weights(path: Path) -> Path:
    """Writes a backbone's weights as a user has them: a state dict in a file."""
    torch.manual_seed(0)
    torch.save(timm.create_model(BACKBONE, pretrained=False).state_dict(), path)
    return path


def composed(*overrides: str, folder: Path) -> DictConfig:
    """Returns the configuration of a command line, with Hydra's own state set as it would be."""
    cfg = compose([*overrides, f"run={quoted(folder)}"], with_hydra=True)
    with open_dict(cfg):
        cfg.hydra.runtime.output_dir = str(folder)
        cfg.hydra.runtime.cwd = str(Path.cwd())
        HydraConfig.instance().set_config(cfg)
        hydra = cfg.pop("hydra")
    OmegaConf.set_struct(cfg, True)
    del hydra
    folder.mkdir(parents=True, exist_ok=True)
    return cfg


def train(*overrides: str, folder: Path) -> Path:
    """Trains and returns the run folder."""
    run(composed(*overrides, folder=folder), folder)
    return folder


def planned(*overrides: str, folder: Path) -> Plan:
    """Returns a plan that has been checked."""
    plan = Plan.of(composed(*overrides, folder=folder), folder)
    check(plan)
    return plan


def one_step(*overrides: str, folder: Path) -> StudentModule:
    """Returns a module after one step of training and one batch of validation; writes no run."""
    plan = planned(*overrides, folder=folder)
    seed_everything(plan.cfg.seed, verbose=False)
    plan.module = module = plan.build(plan.cfg.module)
    nodes = [node for node in plan.cfg.callbacks.values() if plan.ask(node, "needs_teacher")]
    callbacks = [plan.build(node) for node in nodes]
    for callback in callbacks:
        callback.prepare(plan)
    trainer = plan.build(plan.cfg.trainer, callbacks=callbacks, logger=False, fast_dev_run=1,
                         enable_progress_bar=False, enable_checkpointing=False)  # fmt: skip
    trainer.fit(module, datamodule=plan.data)
    module.terms = {k: float(v) for k, v in trainer.callback_metrics.items()}
    return module
