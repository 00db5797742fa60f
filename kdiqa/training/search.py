"""A search that resumes: where its trials are stored, and how many remain."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

TOTAL = "trials"  # the one override that may be another when a search goes on


def register() -> None:
    """Lets ``conf/launcher/search`` ask for :func:`storage_in` and :func:`remaining`."""
    OmegaConf.register_new_resolver("search_storage", storage_in, replace=True)
    OmegaConf.register_new_resolver("search_remaining", remaining, replace=True)


def storage_in(folder: str) -> str:
    """Returns the storage of a search's trials in its folder, created here: SQLite creates none."""
    path = Path(folder).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path}/trials.db"


def remaining(storage: str | None, name: str, total: int, words: Sequence[str]) -> int:
    """Returns how many trials of a search are still to be run; those that failed do not count.

    Raises:
        SystemExit: If it was begun with other settings.
    """
    if storage is None:
        return total
    import optuna

    try:
        trials = optuna.load_study(study_name=name, storage=storage).trials
    except KeyError:  # it begins now
        return total
    if trials:
        check_settings(trials[-1].user_attrs, words, storage)
    complete = sum(trial.state == optuna.trial.TrialState.COMPLETE for trial in trials)
    return max(0, total - complete)


def check_settings(before: Mapping[str, Any], words: Sequence[str], storage: str) -> None:
    """Raises where a search would go on with other settings: its trials could not be compared."""
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
