"""From a checkpoint's file to its content, checked as data before anybody uses it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from kdiqa.config.buildable import LABEL
from kdiqa.config.from_file import FileError, from_file
from kdiqa.config.packed import SUFFIX, read_packed
from kdiqa.files.bounded import MAX_BYTES, PlainError, check_plain, check_yaml

FORMAT = 2  # of checkpoints; any other is refused
DESCRIBED = ("net", "config", "pair", "data")  # what a checkpoint's description must hold
PICKLE = 4 * MAX_BYTES  # of the plain values of a checkpoint, its tensors apart


def read_content(path: Path) -> dict[str, Any]:
    """Returns all that a checkpoint or a packed student holds; nothing in it is run.

    Raises:
        ValueError: If it is damaged, not written by kdiqa, or of another format.
    """
    content = read_packed(path) if path.suffix == SUFFIX else _read(path)
    description = content["kdiqa"]
    _check_format(path, description)
    missing = [name for name in DESCRIBED if name not in description]
    missing += ["state_dict"] if "state_dict" not in content else []
    if missing:
        raise ValueError(
            f"'{path}' was written by {writer(description)} and lacks {', '.join(missing)}:"
            f" kdiqa {_version()} cannot build its net. Train again with this version."
        )
    try:
        _check_description(description)
        _check_tensors(content["state_dict"])
    except (PlainError, FileError) as error:
        raise ValueError(f"'{path}' was not written by kdiqa: {error}") from error
    return content


def _read(path: Path) -> dict[str, Any]:
    """Returns the content of a checkpoint that Lightning wrote."""
    import torch

    try:
        _check_archive(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # torch's unpickler raises anything on a file that is none of its own
        raise ValueError(
            f"'{path}' cannot be read as a checkpoint ({type(error).__name__}): it is damaged, or"
            f" holds more than weights and plain values. {_remedy(path)}"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("kdiqa"), dict):
        raise ValueError(
            f"'{path}' was not written by kdiqa: it does not say which net its weights belong to."
            " Backbone weights go to backbone.weights."
        )
    return content


def _check_archive(path: Path) -> None:
    """Raises where a file's bytes are not those that were written, or stand for more than they are.

    torch looks at neither; it stores what it writes uncompressed.
    """
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
        pickled = sum(entry.file_size for entry in entries if entry.filename.endswith(".pkl"))
        whole = sum(entry.file_size for entry in entries)
        if not stored or pickled > PICKLE or whole > path.stat().st_size:
            raise zipfile.BadZipFile("it stands for more than it holds")
        if (damaged := archive.testzip()) is not None:
            raise zipfile.BadZipFile(damaged)


def _remedy(path: Path) -> str:
    """Returns what to do where a checkpoint of a run cannot be read."""
    best, last = path.with_name("best.ckpt"), path.with_name("last.ckpt")
    if path.name == "last.ckpt" and best.is_file():
        return (
            f"'{best}' is of the best epoch so far: go on from there with\n  cp '{best}' '{path}'"
        )
    if path.name == "best.ckpt" and last.is_file():
        return f"'{last}' is of the last epoch: name it in its place, or train again."
    return "Train again, or take a complete copy."


def _check_format(path: Path, description: Mapping[str, Any]) -> None:
    """Raises where a checkpoint is of a format that this version does not read."""
    written = description.get("format", 1)  # the first one did not say so
    if type(written) is not int or written != FORMAT:
        newer = isinstance(written, int) and written > FORMAT
        remedy = "Install the newer one." if newer else "Train again with this version."
        raise ValueError(
            f"'{path}' was written by {writer(description)} in format {written!s:.20}, and this is"
            f" kdiqa {_version()}, which reads format {FORMAT}. {remedy}"
        )


def _check_description(description: Mapping[str, Any]) -> None:
    """Raises where a description is not what a run writes."""
    check_plain(description)
    if _interpolates(description):
        raise FileError(
            "its description holds an interpolation (${…}), which a run resolves before it writes."
            " Nothing of it is built."
        )
    for name in ("net", "config"):
        _require(isinstance(description[name], str), name, "YAML")
        check_yaml(description[name])
    config = mapping_of(description["config"], "config")
    _require(isinstance(config.get("data"), dict), "config", "a mapping with data")
    pairs = config["data"].get("pairs")
    nodes = [*pairs.values()] if isinstance(pairs, dict) else [] if pairs is None else [pairs]
    fits = (
        all(node is None or isinstance(node, dict) for node in nodes) and type(pairs) is not list
    )
    _require(fits, "config.data.pairs", "parts by name")
    _require(type(config["data"].get("seed", 0)) is int, "config.data.seed", "a whole number")
    pair, data = description["pair"], description["data"]
    _require(_texts(pair) and bool(pair), "pair", "a list of names")
    _require(isinstance(data, dict), "data", "a mapping")
    _require(isinstance(data.get("digest", ""), str), "data.digest", "text")
    label = data.get("label")
    _require(isinstance(label, dict), "data.label", "a mapping")
    from_file({**label, "_target_": LABEL[0]}, LABEL)
    for name in ("seed", "split"):
        _require(type(description.get(name, 0)) is int, name, "a whole number")
    _check_lists(description)


def _check_lists(description: Mapping[str, Any]) -> None:
    """Raises where what a run has learnt from, or its banks, are not as a run writes them."""
    contents = description.get("contents") or []
    listed = isinstance(contents, list) and all(isinstance(one, dict) for one in contents)
    _require(listed and all(_texts([*one.values()]) for one in contents), "contents", "a list")
    banks = description.get("banks") or {}
    _require(isinstance(banks, dict), "banks", "a mapping")
    for bank in banks.values():
        fits = isinstance(bank, dict) and _texts(bank.get("ids")) and bool(bank["ids"])
        _require(fits and isinstance(bank.get("digest"), str), "banks", "names and a digest")
    curve = description.get("curve") or {}
    fits = isinstance(curve, dict) and all(isinstance(v, int | float) for v in curve.values())
    _require(fits, "curve", "numbers by name")


def mapping_of(text: str, name: str) -> dict[str, Any]:
    """Returns the mapping that a checked text of YAML holds.

    Raises:
        FileError: If it holds something else.
    """
    try:
        values: Any = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except Exception as error:  # of a key that is none, or of text that is no mapping
        raise FileError(f"{name} is no mapping ({type(error).__name__}).") from error
    _require(isinstance(values, dict), name, "a mapping")
    return values  # type: ignore[no-any-return]


def _check_tensors(state: Any) -> None:
    """Raises where weights are anything else."""
    from torch import Tensor

    fits = isinstance(state, Mapping)
    fits = fits and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items())
    _require(fits, "state_dict", "tensors by name")


def _require(fits: bool, name: str, wanted: str) -> None:
    if not fits:
        raise FileError(f"what it says of {name} is not {wanted}.")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _interpolates(value: Any) -> bool:
    """Returns whether a text anywhere in plain containers holds an interpolation."""
    if isinstance(value, Mapping):
        return any(_interpolates(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple):
        return any(_interpolates(item) for item in value)
    return isinstance(value, str) and "${" in value


def writer(description: Mapping[str, Any]) -> str:
    """Returns which version wrote a checkpoint."""
    return f"kdiqa {description.get('version', 'of unknown version')!s:.40}"


def _version() -> str:
    from kdiqa import __version__

    return __version__
