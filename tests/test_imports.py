"""Imports point one way: what each room of the house may know of the others."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kdiqa"

# Each may import itself and what stands beside it. What is not named here is an entry: a command,
# or a part of one, which may import everything.
ROOMS: dict[str, set[str]] = {
    "__init__": {"scorer"},  # inside load() alone
    "batch": set(),
    "digest": set(),
    "whole": set(),
    "masking": set(),
    "config": {"packed", "targets"},
    "targets": set(),
    "packed": set(),
    "data": {"batch", "distortions", "masking", "whole"},
    "distortions": {"batch"},
    "nets": {"batch", "digest", "masking"},
    "losses": {"batch"},
    "metrics": {"batch"},
    "distillers": {"batch", "nets", "losses"},
    "modules": {"batch", "nets", "losses", "metrics", "distillers"},
    "callbacks": {"batch", "digest", "metrics", "whole"},
    "figures": {"metrics"},
}
ONLY_IN = {
    "timm": {"nets"},
    "albumentations": {"data"},
    "hydra": {"config", "targets", "entry"},
    "omegaconf": {"config", "targets", "entry"},
    "wandb": {"callbacks", "entry"},
}
FILES = sorted(PACKAGE.rglob("*.py"))
TOP = {path.stem for path in PACKAGE.iterdir()}


def room(file: Path) -> str:
    """Returns the folder of a file in the package, or the file's own name at its top."""
    name = file.relative_to(PACKAGE).with_suffix("").parts[0]
    return name if name in ROOMS else "entry"


def imported(file: Path) -> Iterator[str]:
    """Returns the full names of what a file imports, inside functions too."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(file: Path) -> None:
    here = room(file)
    for name in imported(file):
        library, *inside = name.split(".")
        if library == "kdiqa" and here != "entry":
            there = inside[0] if inside and inside[0] in TOP else "__init__"
            assert there in ROOMS[here] | {here, "__init__"}, f"{here} imports {name}"
        if library in ONLY_IN:
            assert here in ONLY_IN[library], f"{here} imports {name}"
