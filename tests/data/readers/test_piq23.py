import re
from collections import Counter
from pathlib import Path

import pytest

from kdiqa.data.readers.piq23 import PIQ23
from tests.data.reading import labels, message_of, ready


def test_piq23_has_three_attributes(fake_data: Path) -> None:
    by_name = {
        name: labels(PIQ23(fake_data / "piq23", attribute=name))
        for name in ("Overall", "Details", "Exposure")
    }
    for name, records in by_name.items():
        assert {record.image.parent.name for record in records} == {name}
        assert all(record.image.is_file() for record in records)
    first = [records[0].mos for records in by_name.values()]
    assert first == [3.7, 3.7, 3.8]


def test_piq23_tells_scenes_apart_whose_names_begin_alike(fake_data: Path) -> None:
    data = ready(PIQ23(fake_data / "piq23"))
    tested = {
        r.content
        for r, part in zip(data.records, data.assignment.subsets, strict=True)
        if part == "test"
    }
    assert tested == {"indoor_scene_1", "indoor_scene_4"}  # and not indoor_scene_10
    assert len({record.content for record in data.records}) == 10


def test_piq23_split_by_device_tests_images_of_every_scene(fake_data: Path) -> None:
    data = ready(PIQ23(fake_data / "piq23", official="device"))
    scenes = Counter(
        record.content
        for record, part in zip(data.records, data.assignment.subsets, strict=True)
        if part == "test"
    )
    assert set(scenes.values()) == {1}
    assert len(scenes) == 10


@pytest.mark.parametrize("copy", ["piq23"], indirect=True)
def test_piq23_finds_its_splits_in_the_folder_of_its_code(copy: Path) -> None:
    moved = ready(PIQ23(copy)).digest
    (copy / "Download" / "Test split").mkdir(parents=True)
    (copy / "Scene Split.csv").rename(copy / "Download" / "Test split" / "Scene Split.csv")
    assert ready(PIQ23(copy)).digest == moved


@pytest.mark.parametrize("copy", ["piq23"], indirect=True)
def test_piq23_without_its_split_asks_for_another(copy: Path) -> None:
    (copy / "Scene Split.csv").unlink()
    assert message_of(PIQ23(copy)) == (
        "30 of 30 images have no official split, the first is '0_Indoor_Scene_1_1.jpg'. "
        "Set data.split_by=content or data.split_by=image."
    )


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            {"attribute": "overall"},
            "attribute is 'overall'; it is one of: Overall, Details, Exposure.",
        ),
        (
            {"official": "scenes"},
            "official is 'scenes'; it is one of: scene, device.",
        ),
    ],
)
def test_piq23_tells_an_unknown_option(option: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        PIQ23("x", **option)  # type: ignore[arg-type]
