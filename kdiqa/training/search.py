"""A search that goes on where it stopped: where its trials are kept, and how many are left."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

TOTAL = "trials"  # the one override that may be another when a search goes on


def register() -> None:
    """Lets ``conf/launcher/search`` ask for :func:`kept_in` and :func:`left`."""
    OmegaConf.register_new_resolver("search_kept_in", kept_in, replace=True)
    OmegaConf.register_new_resolver("search_left", left, replace=True)


def kept_in(folder: str) -> str:
    """Returns where a search in a folder keeps its trials, and makes the folder: SQLite does not.

    Args:
        folder: Of the search, with all its runs.
    """
    path = Path(folder).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path}/trials.db"


def left(storage: str | None, name: str, total: int, words: Sequence[str]) -> int:
    """Returns how many trials of a search are still to be run; those that failed do not count.

    Args:
        storage: Where it keeps them; None in memory, where nothing is left from before.
        name: Of the search.
        total: Trials of the whole search.
        words: The command's overrides.

    Raises:
        SystemExit: If it was begun with other settings, or cannot be kept by what is installed.
    """
    if storage is None:
        return total
    check_versions(version("optuna"), version("sqlalchemy"))
    import optuna

    try:
        trials = optuna.load_study(study_name=name, storage=storage).trials
    except KeyError:  # it begins now
        return total
    if trials:
        check_settings(trials[-1].user_attrs, words, storage)
    complete = sum(trial.state == optuna.trial.TrialState.COMPLETE for trial in trials)
    return max(0, total - complete)


def check_versions(optuna: str, sqlalchemy: str) -> None:
    """Raises where the one cannot keep trials with the other.

    Example:
        >>> check_versions("2.10.1", "2.0.51")
        Traceback (most recent call last):
        SystemExit: Optuna 2.10.1 keeps no trials with SQLAlchemy 2.0.51, only with one below 2. Type:
        pip install "sqlalchemy<2" "alembic<1.15"
    """
    if int(optuna.split(".")[0]) < 3 and int(sqlalchemy.split(".")[0]) >= 2:
        raise SystemExit(
            f"Optuna {optuna} keeps no trials with SQLAlchemy {sqlalchemy}, only with one below 2."
            ' Type:\npip install "sqlalchemy<2" "alembic<1.15"'
        )


def check_settings(before: Mapping[str, Any], words: Sequence[str], storage: str) -> None:
    """Raises where a search would go on with other settings: its trials could not be compared.

    Args:
        before: Settings of an earlier trial, which Optuna's sweeper keeps beside it.
        words: The command's overrides.
        storage: Where the search is kept.
    """
    parsed = OverridesParser.create().parse_overrides(list(words))
    now = {
        override.get_key_element().lstrip("+"): str(override.get_value_element_as_str())
        for override in parsed
        if not override.is_sweep_override()
    }
    known = {key.lstrip("+"): str(value) for key, value in before.items()}
    for key in sorted({*known, *now} - {TOTAL}):
        if known.get(key) != now.get(key):
            folder = Path(storage.removeprefix("sqlite:///")).parent
            raise SystemExit(
                f"The search in '{folder}' was begun with {key}={known.get(key)}, and this is"
                f" {now.get(key)}. Type it as before,\nor begin another one:"
                " hydra.sweep.dir=FOLDER"
            )
