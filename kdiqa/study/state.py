"""What a job's folder says: finished, begun, or made with another configuration."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import OmegaConf
from yaml import YAMLError

from kdiqa.config.compose import compose, conf_dir
from kdiqa.config.vocabulary import Vocabulary
from kdiqa.files.plain import read_mapping
from kdiqa.study.plan import Job, StudyError, Variant, plain_yaml

# What does not make a run another one: where it lies, what it is called, how it is shown.
PRIVATE = (
    *("run", "resume", "name", "task", "compare", "teacher", "callbacks.progress"),
    *("data.root", "data.train_on.root", "data.test_on.root"),
)
Flat = dict[str, Any]


def results(folder: Path) -> dict[str, Any] | None:
    """Returns what a finished job found; None where it did not come to its end."""
    path = folder / "results.json"
    if not path.is_file():
        return None
    return read_mapping(path)


def compositions(variants: Iterable[Variant]) -> dict[str, Flat]:
    """Returns each variant's configuration, flat and less what is private, by its name.

    Composed before any job starts: a misspelt override is found here.

    Raises:
        StudyError: If one does not compose.
    """
    made: dict[str, Flat] = {}
    for variant in variants:
        job = Job(variant, variant.splits[0], variant.seeds[0])
        try:
            cfg = compose(job.words)
        except HydraException as error:
            unknown = Vocabulary.of(conf_dir()).answers(job.words)
            told = " ".join(unknown) or str(error).strip().splitlines()[0]
            raise StudyError(
                f"'{variant.name}' does not compose: {told}\nTry it with: python -m"
                f" kdiqa.train {' '.join(job.words)} --cfg job"
            ) from error
        made[variant.name] = flat(OmegaConf.to_container(cfg, resolve=False))
    return made


def of_job(composition: Flat, job: Job) -> Flat:
    """Returns a job's configuration: its variant's with its own split and seed."""
    return composition | {"split": job.split, "seed": job.seed}


def changes(folder: Path, config: Flat) -> dict[str, tuple[Any, Any]]:
    """Returns what a job's folder was made with that its configuration now has otherwise.

    Args:
        folder: The run's; Hydra has left ``.hydra/config.yaml`` in it when it was begun.
        config: What it should be made with.

    Returns:
        By key, the values before and now; nothing for a folder that holds no run.
    """
    path = folder / ".hydra" / "config.yaml"
    if not path.is_file():
        return {}
    try:
        before = flat(plain_yaml(path))
    except (
        YAMLError,
        TypeError,
    ):  # killed while Hydra wrote it: at the first start, see commands.own
        before = {}
    return {
        key: (before.get(key), config.get(key))
        for key in sorted({*before, *config})
        if before.get(key) != config.get(key)
    }


def flat(node: Any, prefix: str = "") -> Flat:
    """Returns a plain configuration with dotted keys, less what is private.

    Example:
        >>> flat({"run": "here", "data": {"root": "/x", "seed": 1, "pairs": {}}})
        {'data.seed': 1, 'data.pairs': {}}
    """
    made: Flat = {}
    for key, value in node.items():
        name = f"{prefix}{key}"
        if name in PRIVATE:
            continue
        if isinstance(value, Mapping) and value:
            made |= flat(value, f"{name}.")
        else:
            made[name] = value
    return made


def shown(differences: Mapping[str, tuple[Any, Any]], most: int = 3) -> str:
    """Returns differences as a line.

    Example:
        >>> shown({"trainer.max_epochs": (5, 20)})
        'trainer.max_epochs 5 → 20'
    """
    told = [f"{key} {before} → {now}" for key, (before, now) in differences.items()]
    more = f", and {len(told) - most} more" if len(told) > most else ""
    return ", ".join(told[:most]) + more
