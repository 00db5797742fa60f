"""What is no plain file is refused at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kdiqa.files.plain import NotAFileError, below, open_plain


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


def test_a_file_is_below_its_folder_or_none(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").touch()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert below(tmp_path / "a", "x.png") == (tmp_path / "a" / "x.png").resolve()
    assert below(tmp_path / "b", "x.png") == (tmp_path / "a" / "x.png").resolve()
    assert below(tmp_path, "b/x.png") is not None
    for name in ("../a/../../etc/hostname", "/etc/hostname", "", ".", "a", "x\0y", "y" * 5000):
        assert below(tmp_path / "a", name) is None
