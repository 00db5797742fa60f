"""Which files a command line means: files, folders, patterns, lists, standard input."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from kdiqa.data.images.formats import SUFFIXES


def find(inputs: Iterable[str], stdin: TextIO) -> list[str]:
    """Returns the paths of all inputs in their order, each file once, by its first name.

    What is named one by one stays whatever it is, even if there is no such file: its row then
    has the error. Of a folder, the files with an ending of an image count, at any depth and sorted.

    Args:
        inputs: Files, folders, patterns with ``*``, lists (``.txt``, a path a line, relative to
            the current folder), ``-`` for such a list from standard input.
        stdin: Read for ``-``.

    Raises:
        FileNotFoundError: If a list is missing, or a folder or pattern holds no image.
    """
    once: dict[str, str] = {}
    for path in _all(inputs, stdin):
        once.setdefault(os.path.abspath(path), path)
    return list(once.values())


def _all(inputs: Iterable[str], stdin: TextIO) -> Iterator[str]:
    for word in inputs:
        if word == "-":
            yield from _listed(stdin.read())
        elif word.lower().endswith(".txt"):
            if not Path(word).is_file():
                raise FileNotFoundError(f"No list at '{word}'. Give a file with a path a line.")
            text = Path(word).read_text(encoding="utf-8", errors="surrogateescape")
            yield from _listed(text)
        else:
            yield from _expanded(word)


def _listed(text: str) -> Iterator[str]:
    for line in text.removeprefix("\ufeff").split("\n"):  # a byte-order mark is no part of a name
        if line.strip():
            yield from _expanded(line.rstrip("\r"), patterns=False)


def _expanded(word: str, patterns: bool = True) -> Iterator[str]:
    if os.path.isdir(word):
        images = list(_below(word))
        if not images:
            kinds = ", ".join(sorted(SUFFIXES))
            raise FileNotFoundError(f"No image in the folder '{word}'. Files end in: {kinds}.")
        yield from images
    elif patterns and glob.has_magic(word) and not os.path.lexists(word):
        matches = sorted(glob.glob(word, recursive=True))
        if not matches:
            raise FileNotFoundError(f"Nothing matches '{word}'. Check it with: ls {word}")
        for match in matches:
            yield from _below(match) if os.path.isdir(match) else [match]
    else:
        yield os.path.normpath(word)


def _below(folder: str) -> Iterator[str]:
    """Yields the images below a folder, through links too, no folder twice."""
    seen: set[str] = set()
    for path, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(path)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        for name in sorted(files):
            if os.path.splitext(name)[1].lower() in SUFFIXES:
                yield os.path.normpath(os.path.join(path, name))
