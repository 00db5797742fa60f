"""A checkpoint is all that a score needs: no data, no cache, no home, no place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kdiqa
from tests.conftest import REPOSITORY
from tests.fakes import picture, write
from tests.runs import STUDENT, train

PROGRAM = (
    "import sys, kdiqa\n"
    "scorer = kdiqa.load(sys.argv[1])\n"
    "print(scorer.digest, *(scorer.score(image).hex() for image in sys.argv[2:]))\n"
)


@pytest.mark.process
def test_a_copy_scores_bit_by_bit_elsewhere_for_somebody_else_and_without_its_data(
    tmp_path: Path, fake_data: Path
) -> None:
    data, folder = tmp_path / "data", tmp_path / "run"
    shutil.copytree(fake_data / "tid2013", data)
    words = ("distill=false", "trainer.max_epochs=1", "module.net.backbone.weights=random")
    train(*STUDENT, *words, f"data.root={data}", folder=folder)
    images = [write(tmp_path / f"{i}.png", picture(70 + i, 48, 64)) for i in range(3)]
    scorer = kdiqa.load(folder)
    here = [scorer.digest, *(scorer.score(image).hex() for image in images)]
    other = tmp_path / "elsewhere"
    (other / "home").mkdir(parents=True)
    copy = other / "student.ckpt"
    shutil.copyfile(folder / "checkpoints" / "best.ckpt", copy)
    moved = [shutil.copyfile(image, other / image.name) for image in images]
    shutil.rmtree(data)
    shutil.rmtree(folder)
    own = ("HOME", "USER", "LOGNAME", "KDIQA_CACHE", "KDIQA_DATA", "XDG_CACHE_HOME")
    somebody = {key: value for key, value in os.environ.items() if key not in own}
    somebody |= {"HOME": str(other / "home"), "USER": "somebody", "LOGNAME": "somebody"}
    somebody |= {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(copy), *map(str, moved)]
    done = subprocess.run(
        command, env=somebody, cwd=other, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == here
