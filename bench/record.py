"""Where measurements go: one JSON file for each kind of machine, and one table drawn from it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"
Row = Mapping[str, Any]


def machine() -> str:
    """Returns the kind of machine: its GPU, or how many cores and which vector instructions.

    Attention that is fused pays with one kind of processor and not with another.
    """
    if torch.cuda.is_available():
        return torch.cuda.get_device_name().lower().replace(" ", "_")
    capability = torch.backends.cpu.get_cpu_capability().lower()
    return f"cpu_{os.cpu_count()}_cores_{capability}"


def peak_memory() -> float:
    """Returns the peak in GiB: of the GPU's memory, or of this process's own.

    What ``getrusage`` says is no less than that of the process that started this one.
    """
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def table(rows: Sequence[Row]) -> str:
    """Returns rows as a Markdown table, numbers with three significant digits."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    lines += [f"| {' | '.join(cell(row.get(c)) for c in columns)} |" for row in rows]
    return "\n".join(lines)


def cell(value: Any) -> str:
    """Returns a value as a table shows it."""
    if value is None:
        return "–"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def record(
    name: str, title: str, command: str, told: str, rows: Sequence[Row], write: bool
) -> None:
    """Prints a benchmark's rows and, where asked to, puts them in the files of this machine.

    Args:
        name: Of the benchmark; an older record of that name is replaced.
        title: A line above the table.
        command: What was typed.
        told: What was compared, and how.
        rows: One comparison each.
        write: Whether to keep them.
    """
    print(f"\n{title}\n\n{table(rows)}", flush=True)
    if not write:
        return
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{machine()}.json"
    held = json.loads(path.read_text()) if path.is_file() else {}
    load = os.getloadavg()[0]
    held[name] = {
        "title": title,
        "command": command,
        "told": told,
        "load": round(load, 1),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "rows": [dict(row) for row in rows],
    }
    path.write_text(json.dumps(dict(sorted(held.items())), indent=2, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(page(held))


def page(held: Mapping[str, Any]) -> str:
    """Returns the Markdown page of all records of a machine."""
    lines = [f"# What was measured on {machine().replace('_', ' ')}", ""]
    lines += [
        "Ratios are of what ran side by side in one process run; absolute figures drift.",
        "",
    ]
    for made in (held[name] for name in sorted(held)):
        lines += [f"## {made['title']}", "", made["told"], ""]
        lines += [f"`{made['command']}`, load {made['load']}, torch {made['versions']['torch']}."]
        lines += ["", table(made["rows"]), ""]
    return "\n".join(lines)
