"""A trained student and its export, run once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdiqa.export.__main__ import main
from tests.reads import counted
from tests.runs import STUDENT, train

TRAINED = (
    *STUDENT,
    *("distill=false", "trainer.max_epochs=1", "module.net.backbone.weights=random"),
    *("second=none", "test_crops=grid", "data.label_scale=zscore", "module.net.depth=1"),
)


@pytest.fixture(scope="session")
def exported_run(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> Path:
    """Returns the folder of a run whose path is static."""
    folder = tmp_path_factory.mktemp("exported") / "ein Lauf"
    return train(*TRAINED, f"data.root={fake_data / 'tid2013'}", folder=folder)


@pytest.fixture(scope="session")
def exported(exported_run: Path, fake_data: Path) -> Path:
    """Returns the exported file, with the others next to it."""
    path = exported_run.parent / "m ü.onnx"
    words = [
        f"data.root={fake_data / 'tid2013'}",
        "--int8",
        "--half",
        "--safetensors",
        "--licence",
        "CC0",
    ]
    with pytest.MonkeyPatch.context() as patch:
        reads = counted(patch)
        assert main([str(exported_run), "data=tid2013", *words, "-o", str(path)]) == 0
    assert reads == {exported_run / "checkpoints" / "best.ckpt": 1}
    return path
