"""Jobs side by side, each process of joblib's with a GPU of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kdiqa.runtime import devices
from tests.launchers.jobs import ALONE, needs, train


@pytest.mark.process
def test_jobs_of_a_multirun_have_their_own_seeds_and_devices(
    tmp_path: Path, fake_data: Path
) -> None:
    needs("hydra_joblib_launcher")
    words = [*ALONE, f"data.root={fake_data / 'tid2013'}", "launcher=joblib", "seed=0,1"]
    swept = f"hydra.sweep.dir={tmp_path / 'swept'}"
    done = train("-m", *words, swept, cwd=tmp_path, CUDA_VISIBLE_DEVICES="4,7")
    assert done.returncode == 0, done.stderr
    told = [json.loads((tmp_path / "swept" / job / "provenance.json").read_text()) for job in "01"]
    assert [one["seed"] for one in told] == [0, 1]
    # A fast process may do both jobs, on its own device then.
    assert {one["machine"]["cuda_visible_devices"] for one in told} <= {"4", "7"}


class Worker:
    def __init__(self, name: str) -> None:
        self.name = name


@pytest.mark.parametrize(
    ("name", "wanted", "left"),
    [
        ("MainProcess", 1, "0,1,2,3"),
        ("LokyProcess-1", 1, "0"),
        ("LokyProcess-2", 1, "1"),
        ("LokyProcess-6", 1, "1"),
        ("LokyProcess-2", 2, "2,3"),
        ("LokyProcess-2", 4, "0,1,2,3"),
        ("LokyProcess-2", "auto", "0,1,2,3"),
        ("LokyProcess-2", -1, "0,1,2,3"),
    ],
)
def test_process_of_joblib_keeps_its_share_for_all_its_jobs(
    name: str, wanted: object, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.setattr(devices, "current_process", lambda: Worker(name))
    for _ in range(2):
        devices.take(wanted)
        assert ",".join(devices.visible()) == left
