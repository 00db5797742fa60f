"""The other runs that a run is made of, each a process and a folder below its own."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape

from kdiqa.board.naming import handed_down
from kdiqa.config.compose import compose, quoted
from kdiqa.report.results import results_of
from kdiqa.runtime.launch import run_job
from kdiqa.training.begun import check_begun
from kdiqa.training.independence import check_independence
from kdiqa.training.plan import TEACHER, Plan

STAGE = "stage1"
# Of a run alone: a comparison, or the stage before it, has its own.
PRIVATE = ("run=", "resume=", "teacher=", "compare=", "name=", "pretrain=")
console = Console()


def jobs(plan: Plan) -> dict[str, Path]:
    """Trains the teacher, the comparisons and the stage before this run; returns their folders."""
    if plan.trains_teacher:
        train_teacher(plan)
    folders: dict[str, Path] = {}
    if plan.teacher is not None and finished(plan.teacher.folder):
        folders["teacher"] = plan.teacher.folder
    return folders | comparisons(plan) | pretrain(plan)


def train_teacher(plan: Plan) -> None:
    """Trains the run's teacher, and reads its checkpoint."""
    cfg = plan.cfg
    cfg.teacher = str(plan.folder / TEACHER)
    words = [f"experiment={cfg.teacher_experiment}", *plan.teacher_overrides()]
    words += [f"allow=[{','.join(plan.own)}]"] if plan.own else []
    job("teacher", [*words, *handed_down(cfg, "teacher")], Path(cfg.teacher))
    for teacher in plan.read_teachers():
        check_independence(plan, teacher)


def comparisons(plan: Plan) -> dict[str, Path]:
    """Trains the variants of a run that stand next to it in its table; returns their folders."""
    cfg, folders = plan.cfg, {}
    for name, overrides in (cfg.compare or {}).items():
        folders[name] = plan.folder / name.replace(" ", "_")
        words = [*own_overrides(cfg, name), f"name='{name}'", "compare=null", *overrides]
        job(name, [*words, *_teacher(cfg)], folders[name])
    cfg.compare = None
    return folders


def pretrain(plan: Plan) -> dict[str, Path]:
    """Runs the stage before this run's own, where it asks for one; returns its folder by name."""
    cfg, folder = plan.cfg, plan.folder / STAGE
    if cfg.pretrain is None:
        return {}
    words = [*own_overrides(cfg, "stage 1"), f"name='{cfg.name}, stage 1'", *cfg.pretrain]
    job("stage 1", [*words, "compare=null", "pretrain=null", *_teacher(cfg)], folder)
    return {f"{cfg.name}, stage 1": folder} if finished(folder) else {}


def start_of(plan: Plan) -> Path | None:
    """Returns the checkpoint that a run's net starts from; None for a net that starts anew.

    Of a stage before it, the last one: the best would have been chosen by labels.
    """
    if plan.cfg.pretrain is not None:
        return plan.folder / STAGE / "checkpoints" / "last.ckpt"
    return None if plan.cfg.start is None else Path(plan.cfg.start)


def job(name: str, overrides: list[str], folder: Path) -> None:
    """Runs one of a run's jobs, which resumes by itself, unless it has finished before.

    Raises:
        ValueError: If it has, and was begun otherwise than it would be now.
    """
    if finished(folder):
        words = [*overrides, f"run={quoted(folder)}", "resume=true"]
        check_begun(Plan.of(compose(words), folder))
    else:
        console.rule(f"[bold]{escape(name)}")
        run_job(overrides, folder)


def own_overrides(cfg: DictConfig, variant: str) -> list[str]:
    """Returns this run's overrides for a variant of it, less those that name it."""
    wandb = handed_down(cfg, variant)
    private = (*PRIVATE, "logger") if wandb else PRIVATE
    words = HydraConfig.get().overrides.task
    return [*(word for word in words if not word.lstrip("+~").startswith(private)), *wandb]


def finished(folder: Path) -> dict[str, dict[str, float]]:
    """Returns the metrics of a run that came to its end, by split; none where it did not."""
    return results_of(folder).get("metrics") or {}


def _teacher(cfg: DictConfig) -> list[str]:
    if not isinstance(cfg.teacher, str):
        return [f"teacher=[{','.join(map(quoted, cfg.teacher))}]"] if cfg.teacher else []
    return [f"teacher={quoted(cfg.teacher)}"]
