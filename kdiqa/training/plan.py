"""What a run is to do: its configuration, its folder, its teacher's checkpoint, its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from kdiqa.board.naming import name_run
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.compose import quoted
from kdiqa.config.instantiate import ALLOWED, instantiate, target_of

TRAIN = "train"  # in place of a teacher's path: the run trains one first


class Plan:
    """A run, filled step by step: each step takes what the last one has left here.

    Args:
        cfg: The composed configuration.
        folder: Of the run.
        packages: Further packages whose classes the configuration may build.
    """

    data: Any  # the data module, ready, from the checks on
    module: Any  # the Lightning module, from the fit on

    def __init__(self, cfg: DictConfig, folder: Path, packages: Sequence[str] = ()) -> None:
        self.cfg, self.folder = cfg, folder
        self.own = tuple(packages)
        self.allowed = (*ALLOWED, *(f"{name}." for name in packages))
        self.teacher: Checkpoint | None = None  # read once, by the checks or once it is trained
        self.data = self.module = None

    @classmethod
    def of(cls, cfg: DictConfig, folder: Path) -> Plan:
        """Returns the plan of a configuration, which loses what a run without a teacher lacks.

        Args:
            cfg: As composed; W&B's names are filled in.
            folder: Of the run.

        Raises:
            ValueError: If a file, not a person, allows classes of other packages.
        """
        plan = cls(cfg, folder, allowed_packages(cfg))
        if not cfg.distill:
            plan.forget_teacher()
        name_run(cfg, folder)
        return plan

    def build(self, node: Any, **options: Any) -> Any:
        """Returns the object that a node of the configuration describes."""
        return instantiate(node, self.allowed, **options)

    def target_of(self, node: Any) -> Any:
        """Returns the class or function that a node names, before anything is built."""
        return target_of(node, self.allowed)

    def ask(self, node: Any, capability: str, default: Any = None) -> Any:
        """Returns an attribute of the class that a node names."""
        return getattr(self.target_of(node), capability, default)

    @property
    def distils(self) -> bool:
        """Whether the run needs a teacher."""
        return distils(self.cfg, self.allowed)

    @property
    def soft_labels(self) -> bool:
        """Whether the teacher's scores are labels: it must then have learnt from this split."""
        argument = self.ask(self.cfg.module, "soft_labels")
        return argument is not None and self.cfg.module.get(argument) is not None

    @property
    def trains_teacher(self) -> bool:
        """Whether the run's teacher is still to be trained."""
        return self.distils and self.cfg.teacher == TRAIN

    def read_teacher(self) -> Checkpoint:
        """Reads the teacher's checkpoint."""
        path, experiment = self.cfg.teacher, self.cfg.teacher_experiment
        self.teacher = Checkpoint.read(path, experiment, self.own)
        return self.teacher

    def teacher_overrides(self) -> list[str]:
        """Returns the overrides a teacher's training takes over from its student's."""
        cfg, choices = self.cfg, HydraConfig.get().runtime.choices
        words = [f"seed={cfg.seed}", f"split={cfg.split}"]
        words += [f"trainer={choices.get('trainer', 'default')}"]
        if self.soft_labels:  # from the very images of this run, and from no others
            words += [f"data={choices['data']}", f"data.guard={cfg.data.guard}"]
            words += [] if cfg.data.root is None else [f"data.root={quoted(cfg.data.root)}"]
        return [*words, *(cfg.teacher_overrides or [])]

    def forget_teacher(self) -> None:
        """Takes the distiller and the teacher out of a configuration that is not to distil."""
        cfg = self.cfg
        learning = self.ask(cfg.module, "distils_by", ())
        # Without a target, a node only sets words of a callback that another group would choose.
        teaching = [
            key
            for key, node in cfg.callbacks.items()
            if node and ("_target_" not in node or self.ask(node, "needs_teacher"))
        ]
        with open_dict(cfg.module), open_dict(cfg.callbacks):
            for key in learning:
                cfg.module.pop(key, None)
            for key in teaching:
                cfg.callbacks.pop(key)
        cfg.pretrain = None  # the stage before learns from the teacher alone


def check_same_teacher(before: str, now: str, settings: str) -> None:
    """Raises where a run would be resumed with another teacher.

    Args:
        before: What the teacher's digest was.
        now: What it is.
        settings: What to set as it was.
    """
    if before != now:
        raise ValueError(
            f"This run began with teacher {before} and would resume with {now}. Set {settings}, or"
            " start a new run."
        )


def distils(cfg: DictConfig, allowed: tuple[str, ...] = ALLOWED) -> bool:
    """Returns whether a run of a configuration needs a teacher."""
    callbacks = cfg.get("callbacks")
    nodes = callbacks.values() if OmegaConf.is_dict(callbacks) else ()
    targets = [target_of(node, allowed) for node in nodes if OmegaConf.is_dict(node)]
    return any(getattr(target, "needs_teacher", False) for target in targets)


def allowed_packages(cfg: DictConfig) -> list[str]:
    """Returns the packages whose classes a configuration may build besides ours.

    Args:
        cfg: Names them under ``allow``.

    Raises:
        ValueError: If they stand in a file: whoever sends a configuration to somebody could then
            have it run whatever is installed there.
    """
    names = [str(name) for name in cfg.get("allow") or []]
    typed = [word.lstrip("+") for word in HydraConfig.get().overrides.task]
    if names and not any(word.startswith("allow=") for word in typed):
        raise ValueError(
            f"A configuration file allows itself classes of {', '.join(names)} (allow). Look at what"
            f" it builds, take allow out of the file, and type allow=[{','.join(names)}]."
        )
    return names
