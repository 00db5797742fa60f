"""What is no plain file is refused at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kdiqa.files.plain import NotAFileError, open_plain


def test_a_file_is_read_through_links_and_nothing_else_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"bytes")
    link = tmp_path / "link"
    link.symlink_to(file)
    for path in (file, link, str(file)):
        with open_plain(path) as opened:
            assert opened.read() == b"bytes"
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/null"):
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        with pytest.raises(NotAFileError, match=r"^it is no plain file$"):
            open_plain(path)
        if before:
            assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(FileNotFoundError):
        open_plain(tmp_path / "none")
