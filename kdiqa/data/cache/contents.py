"""Which bytes a file holds: read once, and known by its size and time of change from then on."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.progress import Progress

from kdiqa.files.atomic import replacing

VERSION = 1  # raise it when the same bytes have another digest
BYTES = 16  # of a digest
CHUNK = 4096  # files after which what was read is written
# A file that changed just before it was read may change again within one tick of its clock, which
# counts whole seconds on some disks: it is not known yet, and read once more.
TICK, COARSE_TICK = 50_000_000, 2_000_000_000  # nanoseconds


class State(NamedTuple):
    """What tells, without reading it, that a file is as it was."""

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path, folder: str) -> State:
        """Returns the state of a file in a folder, whose path holds no link."""
        state = path.stat()
        return cls(f"{folder}/{path.name}", state.st_size, state.st_mtime_ns)

    @property
    def key(self) -> str:
        """Names it in a cache."""
        text = f"{VERSION} {self.path} {self.size} {self.mtime_ns}"
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:24]

    def is_settled(self, read_at: int) -> bool:
        """Returns whether a change after it was read, at a time in nanoseconds, would be seen."""
        tick = TICK if self.mtime_ns % 1_000_000_000 else COARSE_TICK
        return read_at - self.mtime_ns > tick


def contents_of(paths: Iterable[Path]) -> dict[Path, str]:
    """Returns the digest of each file's bytes; one that has not changed is not read again.

    Args:
        paths: Of the files; they are read in parallel.

    Raises:
        OSError: If one cannot be read.
    """
    unique = dict.fromkeys(paths)
    folders = {folder: os.path.realpath(folder) for folder in {path.parent for path in unique}}
    if not folders:
        return {}
    states = {path: State.of(path, folders[path.parent]) for path in unique}
    common = os.path.commonpath(folders.values())
    cache = ContentCache(cache_folder() / f"{_digest(common.encode())}.npz")
    found = {path: cache.digests.get(state.key) for path, state in states.items()}
    new = [path for path, digest in found.items() if digest is None]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool, Progress(transient=True) as bar:
        task = bar.add_task(f"Contents of {len(new)} files", total=len(new), visible=bool(new))
        for start in range(0, len(new), CHUNK):
            part, read_at = new[start : start + CHUNK], time.time_ns()
            digests = dict(zip(part, pool.map(content_of, part), strict=True))
            settled = [path for path in part if states[path].is_settled(read_at)]
            cache.add({states[path].key: digests[path] for path in settled})
            found |= digests
            bar.advance(task, len(part))
    return {path: digest for path, digest in found.items() if digest is not None}


def content_of(path: Path) -> str:
    """Returns the digest of a file's bytes, which it reads."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, _hashed).hexdigest()


def together(named: Iterable[tuple[str, str]]) -> str:
    """Returns one digest of names and contents, whatever their order.

    Example:
        >>> together([("a", "1"), ("b", "2")]) == together([("b", "2"), ("a", "1")])
        True
    """
    lines = sorted(f"{name}\t{content}" for name, content in named)
    return _digest("\n".join(lines).encode(errors="surrogateescape"))


def of_run(data: Any) -> str:
    """Returns the digest of all that a run reads: its images, and those that they are paired with.

    Distorted copies are named by what they were made of, and not read.

    Args:
        data: The run's data module, ready.
    """
    named = {record.name: record.image for record in data.records}
    extra = {record.name: record.image for record in data.extra}
    made = [(name, "") for name in extra if not name.startswith("unlabelled/")]
    named |= {name: path for name, path in extra.items() if name.startswith("unlabelled/")}
    pairs = data.train_pairs.values()
    paired = {path for pair in pairs for path in pair.files(data.records)}
    contents = contents_of([*named.values(), *paired])
    own = [(name.casefold(), contents[path]) for name, path in named.items()]
    return together([*own, *(("", contents[path]) for path in paired), *made])


def cache_folder() -> Path:
    """Returns where digests are cached."""
    return Path(os.environ.get("KDIQA_CACHE", "~/.cache/kdiqa")).expanduser() / "contents"


class ContentCache:
    """Digests of one folder's files, in one file, whose own checksums tell whether it is whole.

    Args:
        path: Of that file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digests: dict[str, str] = {}
        # There is none yet, or it is damaged: it is made anew.
        damaged = suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
        with damaged, np.load(path, allow_pickle=False) as stored:
            keys, digests = stored["keys"].astype(str).tolist(), stored["digests"]
            self.digests = dict(zip(keys, [row.tobytes().hex() for row in digests], strict=True))

    def add(self, digests: dict[str, str]) -> None:
        """Adds digests by key, and writes all atomically."""
        if not digests:
            return
        self.digests |= digests
        values: Sequence[bytes] = [bytes.fromhex(digest) for digest in self.digests.values()]
        table = np.frombuffer(b"".join(values), np.uint8).reshape(-1, BYTES)
        with replacing(self.path, cache=True) as file:
            np.savez(file, keys=np.array(list(self.digests), np.bytes_), digests=table)


def _hashed() -> Any:
    return hashlib.blake2b(digest_size=BYTES)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
