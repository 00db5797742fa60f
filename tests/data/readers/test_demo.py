"""The demo: computed once, complete or not at all, from photographs that are installed anyway."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdiqa.data.readers.demo import PHOTOS, Demo

SMALL = {"photos": {"chelsea.png": "train", "coins.png": "val", "coffee.png": "test"},
         "kinds": ["gaussian_blur", "white_noise"], "levels": [1, 5], "tile": 96}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def test_first_run_makes_it_and_the_second_finds_it(root: Path) -> None:
    data = Demo(root, **SMALL)
    data.setup()
    tiles = len(list((data.root / "references").iterdir()))
    assert len(data.records) == 4 * tiles
    stamps = {path: path.stat().st_mtime_ns for path in data.root.rglob("*.png")}
    again = Demo(root, **SMALL)
    again.setup()
    assert {path: path.stat().st_mtime_ns for path in again.root.rglob("*.png")} == stamps
    assert again.digest == data.digest
    assert [path for path in root.iterdir() if "unfinished" in path.name] == []


def test_scores_fall_with_the_level_and_lie_in_the_unit_interval(root: Path) -> None:
    data = Demo(root, **SMALL)
    data.setup()
    assert all(0 <= record.mos <= 1 for record in data.records)
    by_key = {(r.reference, r.distortion, r.level): r.mos for r in data.records}
    for (reference, kind, level), mos in by_key.items():
        if level == 5:
            assert mos < by_key[reference, kind, 1]


def test_no_photograph_stands_on_two_sides(root: Path) -> None:
    data = Demo(root, **SMALL)
    data.setup()
    sides = {
        (r.content, part) for r, part in zip(data.records, data.assignment.subsets, strict=True)
    }
    assert sorted(sides) == sorted(SMALL["photos"].items())


def test_other_settings_make_another_data_set(root: Path) -> None:
    assert Demo(root, **SMALL).root != Demo(root, **(SMALL | {"tile": 64})).root


def test_interrupted_making_leaves_no_data_set(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*unused: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Demo, "_distorted", interrupt)
    data = Demo(root, **(SMALL | {"levels": [3]}))
    with pytest.raises(KeyboardInterrupt):
        data.prepare_data()
    assert not data.root.exists()


def test_every_photograph_is_in_the_wheel_of_scikit_image() -> None:
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    assert [name for name in PHOTOS if not (folder / name).is_file()] == []
    assert set(PHOTOS.values()) == {"train", "val", "test"}
