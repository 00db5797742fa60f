"""Which data sets there are, by what ``conf/data`` and their classes say."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from kdiqa.config.compose import compose, conf_dir
from kdiqa.config.instantiate import instantiate
from kdiqa.data.readers.files import FileIndex
from kdiqa.data.record import Record
from kdiqa.data.source import DatasetNotFoundError
from kdiqa.runtime.errors import for_user

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule

# What a run's other settings would be: none of them matters to what a folder holds.
SHARED = ("+seed=0", "+split=0", "+num_crops=1", "+crop_size=224")


class UsageError(Exception):
    """What was typed names no data set or no option of one; says what to type."""


def names() -> list[str]:
    """Returns the names of all data sets, as ``data=name`` has them."""
    return sorted(path.stem for path in (conf_dir() / "data").glob("[!_]*.yaml"))


def summary(name: str) -> str:
    """Returns the comment at the top of a data set's yaml, which says what it is."""
    text = (conf_dir() / "data" / f"{name}.yaml").read_text(encoding="utf-8")
    return text.partition("\n")[0].removeprefix("#").strip() if text.startswith("#") else ""


def data_module(name: str, root: Path | None = None, options: Sequence[str] = ()) -> IQADataModule:
    """Returns a data set as a run would build it.

    Args:
        name: As ``data=name`` has it.
        root: Its folder; None for the one that its yaml or KDIQA_DATA names.
        options: More of its settings, each as ``key=value``.

    Raises:
        UsageError: If there is no such data set or option, or the option has no such value.
    """
    node = _composed(name, options)
    try:
        if root is not None:
            node.root = str(root)
        data: IQADataModule = instantiate(node)
    except Exception as error:  # Hydra wraps what a constructor raises in a class of its own
        message = for_user(error)
        if message is None:
            raise
        raise UsageError(message.partition(": ")[2]) from error
    return data


def _composed(name: str, options: Sequence[str]) -> DictConfig:
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name.casefold(), known, 1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise UsageError(f"No data set '{name}'.{meant} There are: {', '.join(known)}.")
    words = [f"+data={name}", *SHARED]
    node: DictConfig = compose(words, None).data
    settings = [str(key) for key in node if key not in ("_target_", "root")]
    for option in options:
        key, equals, _ = option.partition("=")
        if not equals or key.partition(".")[0] not in settings:
            raise UsageError(
                f"{name} has no setting '{option}'. Write key=value, with a key of: "
                f"{', '.join(settings)}."
            )
    if options:
        try:
            node = compose([*words, *(f"++data.{option}" for option in options)], None).data
        except (HydraException, OmegaConfBaseException) as error:
            raise UsageError(f"{' '.join(options)}: {error}") from error
    return node


def read(data: IQADataModule) -> list[Record]:
    """Returns what the label files list, on the authors' scale, whether the images exist or not.

    Raises:
        DatasetNotFoundError: If the folder or a label file is missing.
        ValueError: If a label file is not as its authors made it.
    """
    if data.root is None or not data.root.is_dir():
        raise DatasetNotFoundError(data.source)
    data.files = FileIndex(data.root)
    return list(data.read())


def card(name: str) -> dict[str, Any]:
    """Returns all that is known of a data set without its files, in plain containers."""
    data = data_module(name)
    facts = getattr(data, "facts", None)
    lower, upper = getattr(data, "mos_range", (None, None))
    return {
        "name": name,
        "summary": summary(name),
        "images": facts.images if facts else None,
        "contents": facts.contents if facts else None,
        "facts": asdict(facts) if facts else None,
        "lowest": lower,
        "highest": upper,
        "better": "lower" if data.lower_is_better else "higher",
        "licence": getattr(data, "licence", ""),
        "homepage": getattr(data, "homepage", ""),
        "layout": list(getattr(data, "layout", ())),
        "root": None if data.root is None else str(data.root),
        "here": data.root is not None and data.root.is_dir(),
    }
