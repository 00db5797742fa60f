"""A trained student for the page and its parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs import STUDENT, train


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> Path:
    """Returns a run folder."""
    words = ("distill=false", "trainer.max_epochs=1", "module.net.backbone.weights=random")
    words += ("data.label_scale=zscore",)  # else an untrained score lies far off [0, 1]
    root = f"data.root={fake_data / 'tid2013'}"
    folder = tmp_path_factory.mktemp("shown") / "run"
    return train(*STUDENT, *words, "second=none", "test_crops=grid", root, folder=folder)
