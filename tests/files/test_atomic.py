"""A file is there whole or not at all, whatever ends its writing."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from kdiqa.data.cache.rows import Rows
from kdiqa.files.atomic import NoSpaceError, write
from kdiqa.runtime.errors import for_user
from kdiqa.training.callbacks.saving import AtomicCheckpoints
from tests.waiting import PATIENCE

SMALL = 2**16  # bytes a file may have


def full(path: Path, why: str = "File too large") -> str:
    return (
        f"No room for '{path}': {why}. What was saved before is complete. Free some space on that disk"
        " and start the same command again."
    )


@pytest.fixture
def limit() -> None:
    """Lets the system refuse to write beyond a size, in the middle of a file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, before[1]))
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGXFSZ, handler)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_is_replaced_atomically(tmp_path: Path) -> None:
    path = tmp_path / "new folder ü" / "a file"
    write(path, "größer")
    write(path, b"other")
    assert path.read_bytes() == b"other"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("limit")
def test_a_full_disk_leaves_the_earlier_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, b"before")
    with pytest.raises(NoSpaceError, match=f"^{re.escape(full(path))}$"):
        write(path, bytes(2 * SMALL))
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("limit")
def test_a_full_disk_leaves_the_earlier_checkpoint(tmp_path: Path) -> None:
    path, saver = tmp_path / "checkpoints" / "last.ckpt", AtomicCheckpoints()
    saver.save_checkpoint({"epoch": 1}, path)
    with pytest.raises(NoSpaceError, match=f"^{re.escape(full(path))}$"):
        saver.save_checkpoint({"epoch": 2, "large": bytes(2 * SMALL)}, path)
    assert saver.load_checkpoint(path, weights_only=True) == {"epoch": 1}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("limit")
def test_a_full_disk_leaves_no_row_of_features_marked(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows", 2, (1, 2**13), ["a", "b"], [0, 1])
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (2**20, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    )
    rows.create(2)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (2**14, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    )
    features = np.ones(2**13, np.float16)
    path = tmp_path / "rows" / "features.npy"
    with pytest.raises(NoSpaceError, match=f"^{re.escape(full(path))}$"):
        rows.put(0, 0, features)
    assert rows.missing() == [0, 1]


def test_a_full_disk_has_one_message_wherever_it_is_raised(tmp_path: Path) -> None:
    def noticed() -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path))

    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device: '.*'$") as caught:
        noticed()
    expected = f"NoSpaceError: {full(tmp_path, 'No space left on device')}"
    assert for_user(RuntimeError("outside")) is None
    assert for_user(caught.value) == expected


def test_a_writer_that_is_killed_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, b"before")
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom kdiqa.files.atomic import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], timeout=PATIENCE, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"before"
    write(path, b"after")
    assert list(tmp_path.iterdir()) == [path]
