"""Every tutorial runs as it stands, from its first block to its last."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import forked
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.M | re.S)
# Those that follow each other in one folder, and whether that is a checkout.
CHAINS = {
    "pictures of one's own": (("own_folder", "reproduce_table"), False),
    "a checkout": (("add_dataset", "add_system"), True),
}


class Block(NamedTuple):
    """A block of a page: ``sh`` and ``python`` are run, what has a title is written to that file."""

    page: str
    language: str
    title: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    for language, title, text in FENCE.findall((TUTORIALS / f"{page}.md").read_text()):
        if title or language in ("sh", "python"):  # bash is for reading: it needs a download
            yield Block(page, language, title, text)


def run(block: Block, folder: Path) -> None:
    if block.title:
        (folder / block.title).parent.mkdir(parents=True, exist_ok=True)
        (folder / block.title).write_text(block.text)
        return
    command = ["bash", "-euo", "pipefail"] if block.language == "sh" else [sys.executable, "-"]
    commands = [Path(python).parent for python in (sys.executable, forked.REAL)]
    told = {
        "PATH": os.pathsep.join([*map(str, commands), os.environ["PATH"]]),
        "KDIQA_CACHE": str(folder / "cache"),
    }
    if not (folder / "kdiqa").is_dir():
        told["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        command, input=block.text, cwd=folder, env=os.environ | told, text=True,
        capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{block.page}:\n{block.text}\n{done.stdout}\n{done.stderr}"


def test_every_tutorial_is_run() -> None:
    pages = {page for chain, _ in CHAINS.values() for page in chain}
    assert pages == {path.stem for path in TUTORIALS.glob("*.md")}
    assert all(list(blocks(page)) for page in pages)


@pytest.mark.process
@pytest.mark.parametrize("name", CHAINS)
def test_tutorial_runs_as_it_stands(name: str, tmp_path: Path) -> None:
    pages, checkout = CHAINS[name]
    if checkout:
        for part in ("kdiqa", "conf"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
    for page in pages:
        for block in blocks(page):
            run(block, tmp_path)
