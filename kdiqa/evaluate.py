"""Evaluates finished runs on other data: ``python -m kdiqa.evaluate run=RUN data=[live,csiq]``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, OmegaConf
from rich.console import Console

from kdiqa import report
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.pairs.pairing import NoReferenceError
from kdiqa.evaluation import banks
from kdiqa.evaluation.run import Evaluation, evaluated, of_run
from kdiqa.metrics.selection import marked
from kdiqa.runtime.errors import told_plainly
from kdiqa.runtime.quiet import quiet
from kdiqa.training.experiment import needs_teacher

console = Console()
HELP = """Evaluates a finished run on other data sets, as the run itself looks at images.

  python -m kdiqa.evaluate run=logs/akd_koniq/runs/… data=[livec,bid] root.livec=/data/livec
  KDIQA_DATA=/data python -m kdiqa.evaluate run=… data=livec
  python -m kdiqa.evaluate run=logs/cvrkd_biq2021/runs/… data=biq2021 banks=10

run          its folder
data         names of conf/data; of its own data set only the test images are scored, of any
             other all
root.NAME    where a data set lies; by default the folder NAME in the one KDIQA_DATA names
banks        N: also the mean and spread over N banks of references, of a student that has a bank
bank         pictures K of each of those, or several numbers, [1,5,10]; by default the run's own
pool         where the references lie now, by default where they lay
teacher      false: leave its teacher out, which else is scored wherever there are references
device       cpu, cuda; by default what there is
num_workers  processes that read images
logger       wandb: each evaluation is a run on the board, beside the one that it evaluates
offline      false: send it at once; else later, by wandb sync FOLDER/wandb/offline-run-*
"""


@dataclass
class Command:
    """What the command understands."""

    run: str = MISSING
    data: Any = MISSING  # a name or a list of names
    root: dict[str, str] = field(default_factory=dict)
    banks: int = 0
    bank: Any = None  # a number or a list of numbers
    pool: str | None = None
    teacher: bool = True
    device: str = "auto"
    num_workers: int = 0
    logger: str | None = None
    offline: bool = True
    hydra: Any = field(
        default_factory=lambda: {
            "run": {"dir": "."},
            "output_subdir": None,
            "help": {"app_name": "kdiqa evaluate", "template": HELP},
        }
    )
    defaults: list[Any] = field(
        default_factory=lambda: [
            "_self_",
            {"override hydra/job_logging": "none"},
            {"override hydra/hydra_logging": "none"},
        ]
    )


ConfigStore.instance().store("evaluate", Command)


@hydra.main(version_base="1.3", config_path=None, config_name="evaluate")
def main(cfg: Any) -> None:
    """Evaluates one run, and prints one table."""
    quiet()
    if OmegaConf.is_missing(cfg, "run"):
        raise SystemExit(f"kdiqa evaluate: run is not set.\n\n{HELP}")
    with told_plainly(Path(cfg.run)):
        try:
            run(cfg)
        except KeyboardInterrupt:  # nothing to go on with: the same command starts anew
            sys.exit(130)


def run(cfg: Any) -> dict[str, Path]:
    """Returns the folders of the evaluations, by what they are called in the table.

    Args:
        cfg: As :class:`Command` has it.
    """
    folder, names = Path(cfg.run), [cfg.data] if isinstance(cfg.data, str) else list(cfg.data)
    results = folder / "results.json"
    if not results.is_file():
        raise FileNotFoundError(
            f"'{folder}' holds no finished run: it has no results.json. Finish it with the command"
            f" it was started with, run='{folder}' and resume=true."
        )
    planned = [made for name in names for made in plan(cfg, folder, name)]
    pools = [pools_of(cfg, made) for made in planned]
    rows: dict[str, Mapping[str, float]] = {}
    folders: dict[str, Path] = {}
    for made in planned:
        found = evaluated(made, cfg.device)
        title = marked(found["name"], found)
        folders[title], rows[title] = made.folder, found["metrics"]["test"]
        pictures = report.draw(made.folder)
        if cfg.logger == "wandb":
            log(made, found, pictures, cfg.offline)
    console.print(report.table(rows, title="Other data, by each run's own policy"))
    for made, several in zip(planned, pools, strict=True):
        if several:
            console.print(banks.shown(banks.spread(made, several, cfg.device), made.dataset))
    for made in planned:
        for warning in made.warnings:
            console.print(f"[yellow]{warning}", highlight=False)
        console.print(str(made.folder), highlight=False)
    return folders


def log(made: Evaluation, found: Mapping[str, Any], pictures: list[Path], offline: bool) -> None:
    """Shows an evaluation on the board of Weights & Biases."""
    from kdiqa.board import panels
    from kdiqa.board.session import evaluation

    told: Any = OmegaConf.to_container(made.checkpoint.config, resolve=True)
    with evaluation(told, made.dataset, made.folder, offline) as run:
        panels.summarise(run, found, made.dataset)
        panels.send(run, made.folder, made.data.root, made.dataset, pictures)


def plan(cfg: Any, folder: Path, name: str) -> list[Evaluation]:
    """Returns the evaluations on one data set, ready: the run's, and its teacher's where it can.

    All data are found and read before the first image is scored.
    """
    made = [of_run(folder, name, cfg.root.get(name), cfg.num_workers, cfg.pool)]
    made[0].folder = folder / "evaluations" / name
    teacher = teacher_of(folder) if cfg.teacher else None
    if teacher is not None:
        try:
            beside = of_run(teacher, name, cfg.root.get(name), cfg.num_workers)
        except NoReferenceError:
            return made
        beside.folder = made[0].folder / "teacher"
        made.append(beside)
    return made


def pools_of(cfg: Any, made: Evaluation) -> list[Any]:
    """Returns the banks a run's own evaluation is repeated beside, by size; none where none are asked."""
    if not cfg.banks or made.run != Path(cfg.run):  # its teacher has a reference of each image
        return []
    sizes = list(cfg.bank) if OmegaConf.is_list(cfg.bank) else [cfg.bank]
    return [banks.pools_of(made, cfg.banks, size, cfg.pool) for size in sizes]


def teacher_of(folder: Path) -> Path | None:
    """Returns the run folder of a student's teacher; None where it had none or it is gone."""
    cfg = Checkpoint.read(folder).config
    path = cfg.get("teacher")
    if path is None or not needs_teacher(cfg):
        return None
    if not (Path(path) / "results.json").is_file():
        console.print(f"[yellow]Its teacher is not in '{path}' any more: not evaluated.")
        return None
    return Path(path)


if __name__ == "__main__":
    # The data sets are not listed in the configuration: Hydra wants a plus before what is new.
    sys.argv[1:] = [f"+{word}" if word.startswith("root.") else word for word in sys.argv[1:]]
    main()
