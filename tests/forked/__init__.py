"""A Python that starts at once: ``python -m kdiqa.train …`` in a fork of a process that has loaded
the libraries.

Tests start some hundred commands, each of which would load PyTorch and Lightning for seven
processor-seconds before its first line. ``sys.executable`` is a script here (:mod:`.client`) that asks
a server (:mod:`.server`) to fork: the child has the caller's words, folder, environment and open
files, its exit code and its signals go through, and whoever kills the script kills the child. A
command that starts others by ``sys.executable`` (jobs, ranks) starts them so too. The real
interpreter runs what is not ``-m`` with a module of ours, and what is to find another package than
the checkout's (``PYTHONSAFEPATH``, a copy in the folder).
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

REAL = sys.executable
"""The interpreter itself, for what must be seen to start from nothing."""
VARIABLE = "KDIQA_TESTS_PYTHON"
HERE = Path(__file__).parent
SCRIPT = """#!/bin/sh
exec '{real}' -IS '{client}' '{real}' '{socket}' "$@"
"""


def begin(folder: Path) -> subprocess.Popen[bytes]:
    """Starts the server, which loads nothing before it is asked, and ends with its standard input.

    Args:
        folder: For the socket, and for ``python`` and ``kdiqa``, which can be put first in PATH.
    """
    socket, script = folder / "socket", folder / "python"
    script.write_text(SCRIPT.format(real=REAL, client=HERE / "client.py", socket=socket))
    console = folder / "kdiqa"
    console.write_text(f"#!/bin/sh\nexec '{script}' -m kdiqa.cli \"$@\"\n")
    for file in (script, console):
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    os.environ[VARIABLE] = str(script)
    return subprocess.Popen(
        [REAL, HERE / "server.py", socket],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,  # a command's is most often a pipe: one knows at once whether it can seek
        stderr=subprocess.PIPE,
    )
