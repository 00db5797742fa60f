"""Evaluates finished runs on other data: ``python -m kdiqa.evaluate run=RUN data=[live,csiq]``."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, OmegaConf
from rich.console import Console
from rich.markup import escape

from kdiqa import report
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.pairs.pairing import NoReferenceError
from kdiqa.evaluation import banks
from kdiqa.evaluation.run import Evaluation, evaluated, of_run
from kdiqa.metrics.selection import chosen_on_test, marked
from kdiqa.runtime.errors import plain_errors
from kdiqa.runtime.quiet import quiet
from kdiqa.training.plan import distils

OWN = ("kdiqa.systems.", "kdiqa.training.")  # what may tell that a run had a teacher
console = Console()
HELP = """Evaluates a finished run on other data sets, as the run itself sees images.

  python -m kdiqa.evaluate run=logs/akd_koniq/runs/… data=[livec,bid] root.livec=/data/livec
  KDIQA_DATA=/data python -m kdiqa.evaluate run=… data=livec
  python -m kdiqa.evaluate run=logs/cvrkd_biq2021/runs/… data=biq2021 banks=10

run          its folder
data         names of conf/data; of its own data set only the test images are scored, of any
             other all
root.NAME    where a data set lies; by default the folder NAME in the one KDIQA_DATA names
banks        N: also the mean and spread over N banks of references, of a student that has a bank
bank         references K of each of those, or several numbers, [1,5,10]; by default the run's own
pool         where the references lie now, by default where they lay
teacher      false: leave its teacher out, which else is scored wherever there are references
device       cpu, cuda; by default what there is
num_workers  processes that read images
allow        [mypackage]: packages of yours whose classes its checkpoint may build
logger       wandb: each evaluation is a run on W&B, next to the one that it evaluates
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
    allow: list[str] = field(default_factory=list)
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
    with plain_errors(Path(cfg.run)):
        try:
            run(cfg)
        except KeyboardInterrupt:  # nothing to go on with: the same command starts anew
            sys.exit(130)


def run(cfg: Any) -> dict[str, Path]:
    """Returns the folders of the evaluations, by what they are called in the table."""
    folder, names = Path(cfg.run), [cfg.data] if isinstance(cfg.data, str) else list(cfg.data)
    if not (folder / "results.json").is_file():
        raise FileNotFoundError(
            f"'{folder}' holds no finished run: it has no results.json. Finish it with the command"
            f" it was started with, run='{folder}' and resume=true."
        )
    checkpoints = [Checkpoint.read(folder, allow=list(cfg.allow))]
    if cfg.teacher and (teacher := teacher_of(checkpoints[0])) is not None:
        checkpoints.append(teacher)
    planned = [one for name in names for one in plan(cfg, folder, name, checkpoints)]
    pools = [pools_of(cfg, evaluation) for evaluation in planned]
    metrics: dict[str, Mapping[str, float]] = {}
    folders: dict[str, Path] = {}
    for evaluation in planned:
        results = evaluated(evaluation, cfg.device)
        title = marked(results["name"], chosen_on_test(results))
        if title in metrics:  # a student and its teacher may share a name, never a row
            title += ", its teacher"
        folders[title], metrics[title] = evaluation.folder, results["metrics"]["test"]
        figures = report.draw(evaluation.folder)
        if cfg.logger == "wandb":
            log(evaluation, results, figures, cfg.offline)
    console.print(report.table(metrics, title="Other data, by each run's own policy"))
    for evaluation, several in zip(planned, pools, strict=True):
        if several:
            groups = banks.spread(evaluation, several, cfg.device)
            console.print(banks.table(groups, evaluation.dataset).console())
    for evaluation in planned:
        for warning in evaluation.warnings:
            console.print(f"[yellow]{escape(warning)}", highlight=False)
        console.print(str(evaluation.folder), highlight=False, markup=False)
    return folders


def log(
    evaluation: Evaluation, results: Mapping[str, Any], figures: list[Path], offline: bool
) -> None:
    """Sends an evaluation to Weights & Biases."""
    from kdiqa.board import panels, session

    config: Any = OmegaConf.to_container(evaluation.checkpoint.config, resolve=True)
    dataset, folder = evaluation.dataset, evaluation.folder
    with session.evaluation(config, dataset, folder, offline) as run:
        panels.summarise(run, results, dataset)
        panels.send(run, folder, evaluation.data.root, dataset, figures)


def plan(cfg: Any, folder: Path, name: str, checkpoints: Sequence[Checkpoint]) -> list[Evaluation]:
    """Returns the evaluations on one data set, ready: the run's, and its teacher's where it can.

    All data are found and read before the first image is scored.
    """
    root = cfg.root.get(name)
    evaluation = of_run(checkpoints[0], name, root, cfg.num_workers, cfg.pool)
    evaluation.folder = folder / "evaluations" / name
    evaluations = [evaluation]
    for teacher in checkpoints[1:]:
        with suppress(NoReferenceError):
            evaluations.append(of_run(teacher, name, root, cfg.num_workers))
            evaluations[-1].folder = evaluation.folder / "teacher"
    return evaluations


def pools_of(cfg: Any, evaluation: Evaluation) -> list[Any]:
    """Returns the banks that a run's own evaluation is repeated with, by size; perhaps none."""
    if not cfg.banks or evaluation.run != Path(cfg.run):  # a teacher has references of its own
        return []
    sizes = list(cfg.bank) if OmegaConf.is_list(cfg.bank) else [cfg.bank]
    return [banks.pools_of(evaluation, cfg.banks, size, cfg.pool) for size in sizes]


def teacher_of(student: Checkpoint) -> Checkpoint | None:
    """Returns the checkpoint of a student's teacher; None where it had none or it is gone."""
    cfg = student.config
    path = cfg.get("teacher")
    if not isinstance(path, str) or not distils(cfg, OWN):
        return None
    if not (Path(path) / "results.json").is_file():
        console.print(f"[yellow]Its teacher is not in '{escape(path)}' any more: not evaluated.")
        return None
    return Checkpoint.read(path, allow=student.allow)


if __name__ == "__main__":
    # The data sets are not listed in the configuration: Hydra wants a plus before what is new.
    sys.argv[1:] = [f"+{word}" if word.startswith("root.") else word for word in sys.argv[1:]]
    main()
