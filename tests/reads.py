"""Counts how often checkpoints are read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kdiqa.config import reading


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[Path]:
    """Returns how often each file will have been read, filled as that happens."""
    reads: Counter[Path] = Counter()
    for name in ("_read", "read_packed"):
        read = getattr(reading, name)

        def counting(path: Path, read: Any = read) -> Any:
            reads[path] += 1
            return read(path)

        monkeypatch.setattr(reading, name, counting)
    return reads
