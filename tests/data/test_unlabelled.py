"""Images without a score: folders, copies beside their originals, and copies drawn anew."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from kdiqa.data.crops import Crops
from kdiqa.data.dataset import IQADataset
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.pairing import NoReferenceError, Reference
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.splits.split import Assignment
from kdiqa.data.unlabelled import Unlabelled
from kdiqa.distortions.synthetic import weighted
from tests.fakes import picture, write

NOTHING = Assignment([], [], "")
DISTORTION = weighted({"white_noise": 1.0}, levels=[3, 5])


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    for number in range(3):
        write(tmp_path / "pool" / "deep" / f"{number}.png", picture(70 + number, 48, 40))
    return tmp_path / "pool"


def synthetic(pool: Path, cache: Path | None) -> Unlabelled:
    return Unlabelled(pool, 2, DISTORTION, cache, pristine=True)


def test_copies_of_a_pristine_pool_have_their_originals_for_references(
    pool: Path, tmp_path: Path
) -> None:
    records = synthetic(pool, tmp_path / "copies").records([], NOTHING, "stop")
    originals = {record.reference for record in records}
    assert len(records) == 6
    assert originals == set(pool.rglob("*.png"))
    for record in records:
        assert np.isnan(record.mos)
        assert not np.array_equal(read_rgb(record.image), read_rgb(record.reference))
    assert records == synthetic(pool, tmp_path / "copies").records([], NOTHING, "stop")


def test_copies_that_are_not_cached_are_drawn_anew_in_every_epoch(pool: Path) -> None:
    records = synthetic(pool, None).records([], NOTHING, "stop")
    assert len({record.name for record in records}) == len(records) == 6
    dataset = IQADataset(records, Crops(1, 32, "center"), {"reference": Reference()}, seed=0)
    first, again, later = dataset[1], dataset[1], dataset[len(dataset) + 1]
    assert np.array_equal(first["image"], again["image"])
    assert not np.array_equal(first["image"], later["image"])
    assert np.array_equal(first["reference"], later["reference"])
    assert not np.array_equal(first["image"], first["reference"])


def test_a_reference_is_asked_of_what_has_none(pool: Path, fake_data: Path) -> None:
    pairs = {"reference": Reference()}
    data = TID2013(fake_data / "tid2013", teacher_pairs=pairs, unlabelled=Unlabelled(pool))
    data.setup()
    with pytest.raises(NoReferenceError, match=r"^3 of 3 images have no reference"):
        data.add_unlabelled()


@pytest.mark.parametrize("options", [{"pristine": True, "copies": 1}, {"pristine": True}, {}])
def test_nothing_to_learn_from_is_one_message(options: dict[str, object], tmp_path: Path) -> None:
    folder = tmp_path if options == {"pristine": True} else None
    message = (
        "data.unlabelled names no folder and no copies. Set data/unlabelled=folder pool=FOLDER,"
        " data/unlabelled=distorted, data/unlabelled=synthetic pool=FOLDER, or data/unlabelled=[]."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Unlabelled(folder, distortion=DISTORTION, **options)
