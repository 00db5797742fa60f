"""Files that are there whole or not at all, whatever ends the process that writes them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, or limit on a file's size


class NoSpaceError(OSError):
    """A file found no room; what stood in its place before is as it was.

    Args:
        path: Of the file.
        error: What the system said.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"No room for '{path}': {os.strerror(error.errno or 0)}. What was saved before is"
            " whole. Free some space on that disk and start the same command again."
        )


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yields a file that takes a path's place once it is written, and on the disk.

    It is written beside the path: a temporary folder may lie on another disk, from where a file
    is copied and not moved.

    Args:
        path: Of the file; its folder is made.

    Raises:
        NoSpaceError: If the disk is full; the path is then left alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in FULL:
            raise NoSpaceError(path, error) from error
        raise


def write(path: Path, data: bytes | str) -> None:
    """Writes a file, whole or not at all; text as UTF-8.

    Raises:
        NoSpaceError: If the disk is full.
    """
    with replacing(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)
