"""What a job's folder holds: a run that is finished, or begun, or of another configuration."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import OmegaConf
from yaml import YAMLError

from kdiqa.config.compose import compose, conf_dir
from kdiqa.config.differences import Differences, Flat, differences, flat
from kdiqa.config.vocabulary import Vocabulary
from kdiqa.files.bounded import read_mapping
from kdiqa.study.plan import Job, StudyError, Variant, plain_yaml

# What does not make a run another one: where it lies, what it is called, how it is shown.
PRIVATE = (
    *("run", "resume", "name", "task", "compare", "teacher", "callbacks.progress"),
    *("data.root", "data.train_on.root", "data.test_on.root"),
)


def results(folder: Path) -> dict[str, Any] | None:
    """Returns the results of a finished job; None where it did not come to its end."""
    path = folder / "results.json"
    return read_mapping(path) if path.is_file() else None


def compositions(variants: Iterable[Variant]) -> dict[str, Flat]:
    """Returns each variant's configuration, flat and less what is private, by its name.

    Composed before any job starts: a misspelt override is found here.

    Raises:
        StudyError: If one does not compose.
    """
    configs: dict[str, Flat] = {}
    for variant in variants:
        job = Job(variant, variant.splits[0], variant.seeds[0])
        try:
            cfg = compose(job.words)
        except HydraException as error:
            unknown = Vocabulary.of(conf_dir()).answers(job.words)
            message = " ".join(unknown) or str(error).strip().splitlines()[0]
            raise StudyError(
                f"'{variant.name}' does not compose: {message}\nTry it with: python -m"
                f" kdiqa.train {' '.join(job.words)} --cfg job"
            ) from error
        plain: Any = OmegaConf.to_container(cfg, resolve=False)
        configs[variant.name] = flat(plain, PRIVATE)
    return configs


def changes(folder: Path, config: Flat) -> Differences:
    """Returns by what a job's configuration now differs from that of its folder.

    Args:
        folder: The run's; Hydra has left ``.hydra/config.yaml`` in it when it was begun.
        config: What it should have.

    Returns:
        By key, the values before and now; nothing for a folder that holds no run.
    """
    path = folder / ".hydra" / "config.yaml"
    if not path.is_file():
        return {}
    try:
        before = flat(plain_yaml(path), PRIVATE)
    except (YAMLError, TypeError):  # damaged: nothing is known of it
        before = {}
    return differences(before, config)
