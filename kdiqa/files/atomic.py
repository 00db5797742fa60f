"""Atomic writes: a file is there complete or not at all, whatever ends the writing process."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, or limit on a file's size


class NoSpaceError(OSError):
    """There was no room for a file; its earlier version is untouched."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.path, self.error = path, error
        super().__init__(
            f"No room for '{path}': {os.strerror(error.errno or 0)}. What was saved before is"
            " complete. Free some space on that disk and start the same command again."
        )

    def __reduce__(self) -> tuple[type[NoSpaceError], tuple[Path, OSError]]:
        """Returns how a worker process hands the error over."""
        return type(self), (self.path, self.error)


@contextmanager
def replacing(path: Path, cache: bool = False) -> Iterator[IO[bytes]]:
    """Yields a file that replaces a path once it is written, and on the disk.

    It is written in the same folder: a temporary folder may lie on another disk, from where a file
    is copied and not moved.

    Args:
        path: Of the file; its folder is created.
        cache: Whether several processes may write the file at once, and it can be computed again:
            each then writes a file of its own, and nobody waits for the disk.

    Raises:
        NoSpaceError: If the disk is full; the path is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # One name for all attempts: what a killed one left of a large file is overwritten.
    unfinished = path.with_name(
        f"{path.name}.{uuid.uuid4().hex}.part" if cache else f"{path.name}.part"
    )
    try:
        with unfinished.open("wb") as file:
            yield file
            if not cache:
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in FULL:
            raise NoSpaceError(path, error) from error
        raise


def write(path: Path, data: bytes | str, cache: bool = False) -> None:
    """Writes a file atomically, as :func:`replacing` does; text as UTF-8.

    Raises:
        NoSpaceError: If the disk is full.
    """
    with replacing(path, cache) as file:
        file.write(data.encode() if isinstance(data, str) else data)
