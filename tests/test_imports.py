"""Imports point one way: what each room of the package may know of the others."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kdiqa"

GROUND = {"batch", "distortions", "metrics", "files", "runtime"}
TOOLS = GROUND | {"config", "models", "data", "figures", "bundled", "scorer"}
TABLES = TOOLS | {"study", "report", "board"}
# Each room may import itself, the version, and the rooms that stand beside it.
ROOMS: dict[str, set[str]] = {
    "__init__": {"scorer"},  # inside load() alone
    "batch": set(),
    "bundled": set(),
    "files": set(),
    "distortions": set(),
    "metrics": set(),
    "runtime": {"files", "config"},
    "config": {"files"},
    "models": {"batch", "runtime", "distortions"},
    "data": {"batch", "files", "distortions", "runtime"},
    "figures": {"metrics"},
    "scorer": TOOLS,
    "study": {"config", "runtime", "files", "metrics"},
    "report": {"study", "figures", "metrics", "data", "files"},
    "board": {"report", "study", "figures", "metrics", "data", "config"},
    "training": TABLES,
    "systems": TABLES | {"training"},
    "evaluation": TABLES,
}
# Verbs, and the tools that a verb of their own starts: nothing above them may be imported back.
VERBS = {"cli", "train", "evaluate", "predict", "cost", "jnd", "kadis"}
VERB_ROOMS = {"export", "demo", "doctor"}
VERB_FILES = {"__main__", "command"}
ONLY_IN = {
    "timm": {"models"},
    "albumentations": {"data"},
    "hydra": {"config", "runtime", "training", "board", "study", "verbs"},
    "omegaconf": {"config", "training", "systems", "scorer", "study", "evaluation", "verbs"},
    "wandb": {"board", "verbs"},
}
FILES = sorted(PACKAGE.rglob("*.py"))
TOP = {path.stem for path in PACKAGE.iterdir()}


def room(file: Path) -> str:
    """Returns the folder of a file in the package, or the file's own name at its top."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] in VERBS | VERB_ROOMS or (len(parts) > 1 and parts[-1] in VERB_FILES):
        return "verbs"
    return parts[0]


def imported(file: Path) -> Iterator[str]:
    """Returns the full names of what a file imports, inside functions too."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name: str) -> str | None:
    """Returns the module that an imported name stands in, or is; None for a library's."""
    if name.split(".")[0] != "kdiqa":
        return None
    while name not in MODULES:
        name = name.rpartition(".")[0]
    return name


MODULES = {
    ".".join(("kdiqa", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): file
    for file in FILES
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(file: Path) -> None:
    here = room(file)
    for name in imported(file):
        library, *inside = name.split(".")
        if library == "kdiqa" and here != "verbs":
            there = inside[0] if inside and inside[0] in TOP else "__init__"
            assert there in ROOMS[here] | {here, "__init__"}, f"{here} imports {name}"
        if library in ONLY_IN:
            assert here in ONLY_IN[library], f"{here} imports {name}"


def test_every_file_has_a_rule() -> None:
    assert {room(file) for file in FILES} <= {*ROOMS, "verbs"}


def test_no_system_imports_another() -> None:
    for name, file in MODULES.items():
        parts = name.split(".")
        if parts[1:2] == ["systems"] and len(parts) > 2:
            for other in imported(file):
                system = other.split(".")[:3]
                assert system[:2] != ["kdiqa", "systems"] or system[2] == parts[2], (name, other)


def test_there_is_no_import_circle() -> None:
    graph = {
        name: {module_of(other) for other in imported(file)} - {None, name, "kdiqa"}
        for name, file in MODULES.items()
        if name != "kdiqa"
    }
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_rooms_and_loose_files_stay_few() -> None:
    rooms = [p for p in PACKAGE.iterdir() if p.suffix in ("", ".py") and p.name != "__pycache__"]
    assert len(rooms) <= 30
    assert len([p for p in rooms if p.suffix == ".py"]) <= 9
