"""What a run is to do: its configuration, its folder, its teacher's checkpoint, its data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from kdiqa.board.naming import name_run
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.compose import quoted
from kdiqa.config.instantiate import ALLOWED, instantiate, target_of
from kdiqa.data.cache.contents import of_run
from kdiqa.training.features import caches_features

TRAIN = "train"  # in place of a teacher's path: the run trains one first
TEACHER = "teacher"  # the folder below the run's that it is trained in


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
        self.teachers: list[Checkpoint] = []  # read once, by the checks or once they are trained
        self.data = self.module = None

    @classmethod
    def of(cls, cfg: DictConfig, folder: Path) -> Plan:
        """Returns the plan of a configuration, which loses what its run does not build.

        Raises:
            ValueError: If a file, not a person, allows classes of other packages.
        """
        plan = cls(cfg, folder, allowed_packages(cfg))
        plan.forget_unused()
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

    @cached_property
    def images(self) -> str:
        """The digest of the bytes of all images that the run reads."""
        return of_run(self.data)

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

    @property
    def teacher(self) -> Checkpoint | None:
        """The checkpoint of the run's teacher, the first of an ensemble; None before it is read."""
        return self.teachers[0] if self.teachers else None

    @property
    def teacher_table(self) -> Path | None:
        """The table of scores that stands in for a teacher, if the run names one."""
        path = self.cfg.teacher
        return Path(path) if isinstance(path, str) and path.endswith(".csv") else None

    def read_teachers(self) -> list[Checkpoint]:
        """Reads the checkpoint of the teacher, or of all of an ensemble; a table has none."""
        paths, experiment = self.cfg.teacher, self.cfg.teacher_experiment
        if self.teacher_table is None:
            self.teachers = [
                Checkpoint.read(path, experiment, self.own)
                for path in ([paths] if isinstance(paths, str) else paths)
            ]
        return self.teachers

    def teacher_overrides(self) -> list[str]:
        """Returns the overrides a teacher's training takes over from its student's."""
        cfg, choices = self.cfg, HydraConfig.get().runtime.choices
        words = [f"seed={cfg.seed}", f"split={cfg.split}"]
        words += [f"trainer={choices.get('trainer', 'default')}"]
        if self.soft_labels:  # from the very images of this run, and from no others
            words += [f"data={choices['data']}", f"data.guard={cfg.data.guard}"]
            words += [] if cfg.data.root is None else [f"data.root={quoted(cfg.data.root)}"]
        return [*words, *(cfg.teacher_overrides or [])]

    def forget_unused(self) -> None:
        """Takes out the cache of a run without, and words of a callback that no group has chosen."""
        cfg = self.cfg
        reads = any(node and node.get("kept") for node in cfg.callbacks.values())  # a teacher's
        unchosen = [key for key, node in cfg.callbacks.items() if node and "_target_" not in node]
        with open_dict(cfg):
            if not caches_features(cfg) and not reads:
                cfg.pop("cache", None)
            for key in unchosen:
                cfg.callbacks.pop(key)

    def forget_teacher(self) -> None:
        """Takes the distiller and the teacher out of a configuration that is not to distil."""
        cfg = self.cfg
        with open_dict(cfg):
            for key in self.ask(cfg.module, "distils_by", ()):
                cfg.module.pop(key, None)
            for key in list(cfg.callbacks):
                if self.ask(cfg.callbacks[key], "needs_teacher"):
                    cfg.callbacks.pop(key)
        cfg.pretrain = None  # the stage before learns from the teacher alone


def distils(cfg: DictConfig, allowed: tuple[str, ...] = ALLOWED) -> bool:
    """Returns whether a run of a configuration needs a teacher."""
    callbacks = cfg.get("callbacks")
    nodes = callbacks.values() if OmegaConf.is_dict(callbacks) else ()
    targets = [target_of(node, allowed) for node in nodes if OmegaConf.is_dict(node)]
    return any(getattr(target, "needs_teacher", False) for target in targets)


def allowed_packages(cfg: DictConfig) -> list[str]:
    """Returns the packages whose classes a configuration may build besides ours (``allow``).

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
