"""A real offline run, its panels read back from the file it leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.training import STUDENT, write_weights


@pytest.mark.slow
def test_offline_run_holds_curves_tables_and_figures(tmp_path: Path, fake_data: Path) -> None:
    weights = write_weights(tmp_path / "weights.pth")
    words = (
        *(f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}"),
        *("distill=false", "logger=wandb", "trainer.max_epochs=1", "name=alone"),
    )
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "kdiqa.train", *STUDENT, *words, f"run={folder}"]
    subprocess.run(command, check=True, timeout=240, stdout=subprocess.DEVNULL)
    (run,) = (folder / "wandb").glob("offline-run-*")
    (record,) = run.glob("*.wandb")
    content = record.read_bytes()
    for panel in (
        *("train/loss", "train/loss_score", "val/srcc", "val/plcc_fit", "optim/lr-head"),
        *("perf/img_per_s", "perf/data_wait", "test/srcc"),
        *("test/predictions", "test/best", "test/worst", "figures/score_against_opinion"),
    ):
        assert panel.encode() in content, panel
    assert list(run.glob("files/media/images/**/*.png"))
    assert (folder / "metrics.csv").is_file()
