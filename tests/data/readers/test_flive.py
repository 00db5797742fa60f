import shutil
from collections import Counter
from pathlib import Path

import pytest

from kdiqa.data.readers.flive import FLIVE
from tests.data.reading import message_of, ready


def test_flive_has_the_authors_parts(fake_data: Path) -> None:
    data = ready(FLIVE(fake_data / "flive"))
    assert data.assignment.subsets == ["test", "val", "train", "train"] * 6


@pytest.mark.parametrize("copy", ["flive"], indirect=True)
def test_flive_is_found_with_its_folders_next_to_the_labels(copy: Path) -> None:
    inside = [record.image.name for record in ready(FLIVE(copy / "database")).records]
    shutil.move(copy / "database" / "labels_image.csv", copy)
    assert [record.image.name for record in ready(FLIVE(copy)).records] == inside


@pytest.mark.parametrize("copy", ["flive"], indirect=True)
def test_flive_without_its_validation_list_carves_one_from_training(copy: Path) -> None:
    (copy / "database" / "labels=640_padded.csv").unlink()
    data = ready(FLIVE(copy))
    assert Counter(data.assignment.subsets) == {"train": 16, "val": 2, "test": 6}
    assert data.assignment.subsets[::4] == ["test"] * 6


@pytest.mark.parametrize("copy", ["flive"], indirect=True)
def test_flive_without_its_test_list_asks_for_another_split(copy: Path) -> None:
    (copy / "database" / "labels640.csv").unlink()
    assert message_of(FLIVE(copy)) == (
        "24 of 24 images have no official split, the first is '000.jpg'. "
        "Set data.split_by=content or data.split_by=image."
    )
    counts = Counter(ready(FLIVE(copy, split_by="image")).assignment.subsets)
    assert counts == {"train": 17, "val": 2, "test": 5}
