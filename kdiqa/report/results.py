"""What a run says of itself next to its rows: ``results.json`` and ``provenance.json``, as data."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kdiqa.files.bounded import read_mapping


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _words(value: Any) -> bool:
    return isinstance(value, dict) and not any(isinstance(v, dict | list) for v in value.values())


def _numbers(value: Any) -> bool:
    values = value.values() if isinstance(value, dict) else [None]
    return all(type(one) in (int, float) for one in values)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _metrics(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_numbers, value.values()))


KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "best_epoch": (_number, "a number"),
    "data": (lambda value: isinstance(value, str | dict), "a digest"),
    "images": (_text, "text"),
    "metrics": (_metrics, "numbers by split and metric"),
    "name": (_text, "text"),
    "parameters": (_number, "a number"),
    "run": (_text, "a folder"),
    "rows": (_words, "digests by table"),
    "seconds": (_number, "a number"),
    "seed": (_number, "a number"),
    "selected_on": (_text, "text"),
    "split": (_number, "a number"),
    "trainable_parameters": (_number, "a number"),
    "warnings": (_texts, "a list of texts"),
    # of provenance.json
    "command": (_texts, "a list of texts"),
    "git": (_words, "words by name"),
    "machine": (_words, "words by name"),
    "versions": (_words, "words by name"),
}


def results_of(folder: Path, file: str = "results.json") -> dict[str, Any]:
    """Returns what a run's ``results.json`` holds; nothing where there is none.

    Args:
        folder: The run's, or an evaluation's.
        file: Another one of the same kind.

    Raises:
        ValueError: If it is not what a run writes; the message names the file.
    """
    path = folder / file
    values = read_mapping(path) if path.is_file() else {}
    for name, (fits, wanted) in KINDS.items():
        if values.get(name) is not None and not fits(values[name]):
            raise ValueError(f"'{path}' was not written by kdiqa: its {name} is not {wanted}.")
    return values
