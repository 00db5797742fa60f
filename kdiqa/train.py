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
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.style import Style
from rich.text import Text

from kdiqa import report
from kdiqa.config.compose import conf_dir, resolved_yaml
from kdiqa.files.atomic import write
from kdiqa.files.lock import folder_lock
from kdiqa.metrics.selection import chosen_on_test, marked
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
        if not is_first() or finished(folder):  # which is read and not written
            return run(cfg, folder)
        with folder_lock(folder, wait=PART_OF_A_RUN in os.environ):
            return run(cfg, folder)


def run(cfg: DictConfig, folder: Path) -> float:
    """Returns the validation metric that sweeps optimise."""
    first, metrics, composed = is_first(), finished(folder), cfg.copy()
    if not metrics:
        wait_for_first()
    torch.set_float32_matmul_precision("high")
    plan = Plan.of(cfg, folder)
    check(plan)
    folders: dict[str, Path] = {}
    if first and not metrics:
        save_composed(composed, folder)
    if first:
        folders = jobs(plan)
    if first and metrics:
        console.print(f"'{folder}' had finished: nothing was trained.", markup=False)
    elif first:
        write(folder / RESOLVED, resolved_yaml(cfg))
    metrics = metrics or fit(plan)
    if first:
        show(folders | {str(cfg.name): folder})
    return metrics["val"]["srcc"]


def save_composed(cfg: DictConfig, folder: Path) -> None:
    """Writes what Hydra composed as it would itself, but atomically, and in no finished run.

    Args:
        cfg: As composed, unresolved.
        folder: Of the run.
    """
    hydra_cfg = HydraConfig.get()
    write(folder / ".hydra" / "config.yaml", OmegaConf.to_yaml(cfg))
    write(folder / ".hydra" / "hydra.yaml", OmegaConf.to_yaml({"hydra": hydra_cfg}))
    write(folder / ".hydra" / "overrides.yaml", OmegaConf.to_yaml(hydra_cfg.overrides.task))


def show(folders: dict[str, Path]) -> None:
    """Prints the table of this run and of its jobs, and where the figures are."""
    results = {}
    for name, folder in folders.items():
        if values := results_of(folder):
            measured = (values.get("metrics") or {}).get("test", {})
            results[marked(name, chosen_on_test(values))] = measured
    console.print(report.table(results, title="Held-out test split"))
    for name, folder in folders.items():
        link = Style(link=folder.resolve().as_uri())
        console.print(Text.assemble(f"{name}: ", (str(folder), link)))
        for figure in sorted((folder / "figures").glob("*.png")):
            console.print(Text(f"  {figure}"))


if __name__ == "__main__":
    # By its importable name: joblib, submitit and Ray send the function to other processes, and what
    # stands in __main__ would travel with all that this file holds.
    from kdiqa.train import main as job

    sys.argv[1:] = agreed(sys.argv[1:])
    job()
