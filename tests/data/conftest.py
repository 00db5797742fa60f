from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def copy(fake_data: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Returns a copy, to be changed, of the fake that the test names by indirect parameter."""
    return Path(shutil.copytree(fake_data / request.param, tmp_path / request.param))
