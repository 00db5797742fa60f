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
