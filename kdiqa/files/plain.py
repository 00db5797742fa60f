"""Plain files: what is none, as a named pipe, is refused before it can be waited for."""

import os
import stat
from pathlib import Path
from typing import IO


class NotAFileError(OSError):
    """A path leads to what is no plain file."""


def open_plain(path: str | Path) -> IO[bytes]:
    """Opens a file for reading; a pipe, a device or a folder is not waited for.

    Raises:
        FileNotFoundError: If there is nothing.
        NotAFileError: If it is no plain file.
        OSError: If it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAFileError("it is no plain file")
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def below(root: Path, name: str) -> Path | None:
    """Returns a file below a folder, None where its name leads out of it, by a link too.

    Args:
        root: The folder.
        name: What a table holds, which anybody may have written.
    """
    try:
        path, folder = (root / name).resolve(), root.resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
    except (OSError, ValueError):  # of a name that no file can have
        return None
