"""Downloads of pristine pictures as the pool of ``second=pool``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra.utils import instantiate

from kdiqa.data.images.read import read_rgb
from kdiqa.data.record import Record
from tests.fakes import picture, write
from tests.fakes.kadis import KINDS, write_kadis700k
from tests.runs import composed

NAMES = [f"{i:04d}.png" for i in range(1, 9)]


def pool_of(folder: Path, tmp_path: Path) -> Any:
    """Returns what the configuration makes of ``second=pool pool=FOLDER``."""
    cfg = composed("experiment=akd_biq2021", "second=pool", f"pool={folder}", folder=tmp_path)
    return instantiate(cfg.data.pairs.second)


@pytest.fixture
def div2k(tmp_path: Path) -> Path:
    """Returns DIV2K, tiny: its images in full, and next to them the degraded ones."""
    for i, name in enumerate(NAMES):
        write(tmp_path / "DIV2K" / "DIV2K_train_HR" / name, picture(i))
        small = picture(i)[::2, ::2]
        write(tmp_path / "DIV2K" / "DIV2K_train_LR_bicubic" / "X2" / f"{i + 1:04d}x2.png", small)
    return tmp_path / "DIV2K"


def test_div2k_is_a_pool_of_its_images_in_full(div2k: Path, tmp_path: Path) -> None:
    pool = pool_of(div2k / "DIV2K_train_HR", tmp_path)
    assert [path.name for path in pool.images] == NAMES
    record = Record(div2k / "DIV2K_train_HR" / NAMES[0], 0.5, "photo")
    pool.check([record])
    drawn = {pool(picture(0), record, seed).tobytes() for seed in range(100)}
    assert drawn == {picture(i).tobytes() for i in range(8)}


def test_kadis_references_are_a_pool(tmp_path: Path) -> None:
    root = write_kadis700k(tmp_path / "kadis700k")
    pool = pool_of(root / "ref_imgs", tmp_path)
    assert len(pool.images) == len(KINDS)
    assert read_rgb(pool.images[3]).shape == (48, 64, 3)
