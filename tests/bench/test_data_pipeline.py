"""A worker holds no more after many samples than after few."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data_pipeline import memory
from tests.fakes import picture, write


@pytest.mark.process
def test_memory_of_a_worker_stays_bounded(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    write(path, picture(0)[:48, :64])
    tenth, half, end = memory(path, 2000)  # MiB
    # 16 MiB in 1800 samples would be a leak of one 48 x 64 picture each.
    assert end - tenth < 8
    assert end - half < 4
