"""Trains a teacher or a student: ``python -m kdiqa.train experiment=akd_demo``."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":  # help and a misspelt word wait for no library
    from kdiqa.config.help import answer_early

    answer_early(sys.argv[1:])

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from kdiqa import report
from kdiqa.config.compose import conf_dir, resolved_yaml
from kdiqa.files.atomic import write
from kdiqa.files.lock import folder_lock
from kdiqa.metrics.selection import marked
from kdiqa.report.results import results_of
from kdiqa.runtime import devices
from kdiqa.runtime.errors import plain_errors
from kdiqa.runtime.launch import PART_OF_A_RUN, RESOLVED, ranks_end_here
from kdiqa.runtime.malloc import keep_freed_memory
from kdiqa.runtime.quiet import quiet
from kdiqa.runtime.ranks import agreed, is_first, wait_for_first
from kdiqa.training import search
from kdiqa.training.checks import check
from kdiqa.training.jobs import finished, jobs
from kdiqa.training.plan import Plan
from kdiqa.training.run import fit

search.register()
console = Console()


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def main(cfg: DictConfig) -> float | None:
    """Runs one experiment: its teacher and its comparisons first, where it asks for them."""
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
    plan = Plan.of(cfg, folder)
    check(plan)
    folders: dict[str, Path] = {}
    if first:
        folders = jobs(plan)
        write(folder / RESOLVED, resolved_yaml(cfg))
    metrics = finished(folder) or fit(plan)
    if first:
        show(folders | {str(cfg.name): folder})
    return metrics["val"]["srcc"]


def show(folders: dict[str, Path]) -> None:
    """Prints the table of this run and of its jobs, and where the figures are."""
    results = {}
    for name, folder in folders.items():
        if values := results_of(folder):
            results[marked(name, values)] = (values.get("metrics") or {}).get("test", {})
    console.print(report.table(results, title="Held-out test split"))
    for name, folder in folders.items():
        console.print(f"{name}: [link=file://{folder.resolve()}]{folder}[/link]", highlight=False)
        for figure in sorted((folder / "figures").glob("*.png")):
            console.print(f"  {figure}", highlight=False)


if __name__ == "__main__":
    # By its importable name: joblib, submitit and Ray send the function to other processes, and what
    # stands in __main__ would travel with all that this file holds.
    from kdiqa.train import main as job

    sys.argv[1:] = agreed(sys.argv[1:])
    job()
