"""Text from anybody's file into plain values: bounded, and never more than numbers, text and containers.

A file of a few hundred bytes can nest without end, or stand for more values than there is memory.
All that is parsed here is first measured, without building anything, in less than a second.
"""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kdiqa.files.plain import open_plain

MAX_BYTES = 4 << 20  # of a file; the largest of ours, a study's results, has 80 KiB
MAX_YAML = (
    128 << 10
)  # of YAML, which takes a hundred times as long; a run's configuration has 10 KiB
MAX_DEPTH = 40  # of containers in containers; a run's configuration has 9
MAX_VALUES = 1_000_000  # a checkpoint that has learnt from 100,000 contents has 500,000
MAX_YAML_VALUES = 5_000  # a run's configuration has 500
MAX_INTEGER = 1 << 63
MAX_DIGITS = 400  # of a number as it is written
CONTAINERS = (list, tuple, Mapping)
# One that is never closed goes on to the end: looked for again at each quote, it would take hours.
STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.S)
Parser: Any = getattr(yaml, "CParser", None)  # where PyYAML was built with libyaml


class PlainError(ValueError):
    """A text that is too large, too deep, or no plain values at all."""


class Size(NamedTuple):
    """How much a node of YAML stands for."""

    values: int
    """With those of its aliases, as often as they are used."""
    depth: int


def read_json(path: Path) -> Any:
    """Returns what a JSON file holds.

    Raises:
        ValueError: If it is no JSON, or exceeds the bounds; the message names the file.
        OSError: If it cannot be read.
    """
    try:
        return from_json(_text(path, MAX_BYTES))
    except PlainError as error:
        raise ValueError(f"'{path}' is not read: {error}") from error


def read_mapping(path: Path) -> dict[str, Any]:
    """Returns the mapping that a JSON file holds.

    Raises:
        ValueError: As :func:`read_json`, or if it holds something else.
        OSError: If it cannot be read.
    """
    values = read_json(path)
    if not isinstance(values, dict):
        raise ValueError(f"'{path}' is not read: it holds no mapping of names to values.")
    return values


def from_json(text: str) -> Any:
    """Returns what a text of JSON says.

    Raises:
        PlainError: If it is no JSON, or exceeds the bounds.

    Example:
        >>> from_json('{"a": [1, 2]}')
        {'a': [1, 2]}
        >>> from_json("[" * 100_000)
        Traceback (most recent call last):
        kdiqa.files.bounded.PlainError: it nests more than 40 deep.
    """
    _check_length(text, MAX_BYTES)
    bare = STRINGS.sub('""', text)
    if sum(map(bare.count, ",[{")) > MAX_VALUES:
        raise PlainError(f"it holds more than {MAX_VALUES:,} values.")
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", bare):
        depth += 1 if bracket[0] in "[{" else -1
        _check_depth(depth)
    _check_digits(bare)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlainError(f"it is no JSON ({error}).") from error
    check_plain(values)
    return values


def read_yaml(path: Path) -> str:
    """Returns the text of a YAML file that is within the bounds.

    Raises:
        ValueError: If it is not; the message names the file.
        OSError: If it cannot be read.
    """
    try:
        text = _text(path, MAX_YAML)
        check_yaml(text)
    except PlainError as error:
        raise ValueError(f"'{path}' is not read: {error}") from error
    return text


def check_yaml(text: str) -> None:
    """Measures a text of YAML without building anything of it.

    Raises:
        PlainError: If it is no YAML, names a type of Python, or exceeds the bounds.

    Example:
        >>> check_yaml("a: &a [*a]")
        Traceback (most recent call last):
        kdiqa.files.bounded.PlainError: its alias 'a' stands within what it stands for.
    """
    _check_length(text, MAX_YAML)
    anchors: dict[str, Size] = {}
    open_ones: list[tuple[str | None, int, int]] = []  # anchor, values and depth so far
    try:
        for event in yaml.parse(text, Loader=Parser or yaml.SafeLoader):
            _measure(event, anchors, open_ones)
    except (yaml.YAMLError, RecursionError) as error:
        raise PlainError(f"it is no YAML ({' '.join(str(error).split())}).") from error


def _measure(event: Any, anchors: dict[str, Size], open_ones: list[Any]) -> None:
    """Adds an event of YAML to the containers that are open."""
    if isinstance(event, yaml.CollectionStartEvent):
        _check_tag(event.tag)
        open_ones.append((event.anchor, 1, 1))
        _check_depth(len(open_ones))
        return
    if isinstance(event, yaml.CollectionEndEvent):
        anchor, values, depth = open_ones.pop()
        size = Size(values, depth)
    elif isinstance(event, yaml.ScalarEvent):
        _check_tag(event.tag)
        if event.style is None:
            _check_digits(event.value)
        anchor, size = event.anchor, Size(1, 0)
    elif isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            raise PlainError(f"its alias '{event.anchor}' stands within what it stands for.")
        anchor, size = None, anchors[event.anchor]
    else:
        return
    if anchor is not None:
        anchors[anchor] = size
    _check_depth(len(open_ones) + size.depth)
    if open_ones:
        name, values, depth = open_ones[-1]
        values += size.values
        if values > MAX_YAML_VALUES:
            raise PlainError(f"it stands for more than {MAX_YAML_VALUES:,} values.")
        open_ones[-1] = (name, values, max(depth, size.depth + 1))


def check_plain(values: Any, leaves: tuple[type, ...] = ()) -> None:
    """Measures values that something else has parsed.

    Args:
        values: Containers may stand in several places, or in themselves.
        leaves: Further types that may stand in them.

    Raises:
        PlainError: If they exceed the bounds, or something in them is not plain.
    """
    pending: list[tuple[Any, int]] = [([values], 0)]
    count = 0
    while pending:
        held, depth = pending.pop()
        _check_depth(depth)
        items: Iterable[Any] = held
        if isinstance(held, Mapping):
            items = chain(held, held.values())
            count += len(held)
        count += len(held)
        if count > MAX_VALUES:
            raise PlainError(f"it holds more than {MAX_VALUES:,} values.")
        for value in items:
            if isinstance(value, CONTAINERS):
                pending.append((value, depth + 1))
            else:
                _check_leaf(value, leaves)


def _check_leaf(value: Any, leaves: tuple[type, ...]) -> None:
    if isinstance(value, int):
        if not -MAX_INTEGER <= value < MAX_INTEGER:
            raise PlainError("it holds an integer of more than 64 bits.")
    elif not (value is None or isinstance(value, (str, float, *leaves))):
        raise PlainError(f"it holds a value of type {type(value).__name__}.")


def _text(path: Path, most: int) -> str:
    """Returns a file's text, of which no more is read than there may be."""
    with open_plain(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise PlainError(f"it is larger than {most >> 10:,} KiB.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise PlainError(f"it is no text ({error}).") from error


def _check_length(text: str, most: int) -> None:
    if len(text) > most:
        raise PlainError(f"it is larger than {most >> 10:,} KiB.")


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise PlainError(f"it nests more than {MAX_DEPTH} deep.")


def _check_digits(text: str) -> None:
    """Raises for a number whose digits take longer to convert than all else to read."""
    if re.search(rf"[\d_:]{{{MAX_DIGITS}}}|0x[\da-fA-F_]{{{MAX_DIGITS}}}", text):
        raise PlainError(f"it holds a number of more than {MAX_DIGITS} digits.")


def _check_tag(tag: str | None) -> None:
    """Raises where YAML names a type itself: what is plain needs none."""
    if tag is not None and tag != "!":
        raise PlainError(f"it names a type of its own, '{tag[:80]}'.")
