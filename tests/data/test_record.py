import csv
from dataclasses import replace
from pathlib import Path

import pytest

from kdiqa.data.crops import Crops
from kdiqa.data.dataset import IQADataset
from kdiqa.data.readers.live import LIVE
from kdiqa.data.record import Record, uniquely_named
from kdiqa.data.splits.listed import ListedImages, ListError
from kdiqa.data.splits.split import digest
from tests.data.reading import ready
from tests.fakes import picture, write


def test_folders_do_not_count_where_file_names_differ() -> None:
    records = [Record(Path("x", f"{i}.png"), 0.5, "a") for i in range(3)]
    assert uniquely_named(records, Path()) == records
    assert [record.name for record in records] == ["0.png", "1.png", "2.png"]


def test_one_namesake_names_all_images_by_their_folders_in_any_letter_case() -> None:
    paths = [Path("jpeg", "img1.bmp"), Path("wn", "IMG1.bmp"), Path("wn", "img2.bmp")]
    records = uniquely_named([Record(path, 0.5, "a") for path in paths], Path())
    assert [record.name for record in records] == ["jpeg/img1.bmp", "wn/IMG1.bmp", "wn/img2.bmp"]


def test_folders_of_one_name_are_named_by_their_paths_and_no_others() -> None:
    root = Path("/data/set")
    files = ("a/x/0.png", "b/x/0.png", "a/x/1.png", "set/2.png", "2.png", "b/X/3.png", "x/3.png")
    records = uniquely_named([Record(root / file, 0.5, "a") for file in files], root)
    assert [record.name for record in records] == [
        *("a/x/0.png", "b/x/0.png"),  # both were x/0.png
        "x/1.png",
        *("set/2.png", "2.png"),  # the root's own folder bears that name too
        *("b/X/3.png", "x/3.png"),
    ]
    outside = [Record(Path(f"/{disk}/x/0.png"), 0.5, "a") for disk in "cd"]
    assert {r.name for r in uniquely_named(outside, root)} == {"/c/x/0.png", "/d/x/0.png"}


def test_namesakes_are_found_again_by_the_names_they_are_written_with() -> None:
    root = Path("/data/set")
    files = ("a/x/0.png", "b/x/0.png", "a/x/1.png", "x/2.png")
    records = uniquely_named([Record(root / file, 0.5, "a") for file in files], root)
    images = ListedImages(records)
    assert [images.index(record.name) for record in records] == [0, 1, 2, 3]
    assert [images.index(str(root / file)) for file in files] == [0, 1, 2, 3]
    assert images.index("elsewhere/x/1.png") == 2
    with pytest.raises(ListError, match=r"^lists 'x/0\.png', which may be 2 images"):
        images.index("x/0.png")


def test_one_image_listed_twice_is_no_namesake() -> None:
    records = [Record(Path("a", "1.png"), score, "a") for score in (0.4, 0.5)]
    assert [record.name for record in uniquely_named(records, Path())] == ["1.png", "1.png"]


def test_namesakes_that_swap_their_scores_change_the_digest() -> None:
    one, other = uniquely_named(
        [Record(Path(f, "1.png"), 0.5, "a") for f in ("jpeg", "wn")], Path()
    )
    scored = [replace(one, mos=0.1), replace(other, mos=0.9)]
    swapped = [replace(one, mos=0.9), replace(other, mos=0.1)]
    assert digest(scored, ["train"] * 2) != digest(swapped, ["train"] * 2)


def test_namesakes_are_cropped_at_places_of_their_own(tmp_path: Path) -> None:
    paths = [write(tmp_path / folder / "img1.png", picture(0)) for folder in ("jpeg", "wn")]
    records = uniquely_named([Record(path, 0.5, "a") for path in paths], tmp_path)
    data = IQADataset(records, Crops(num=4, size=16), {}, seed=0, training=False)
    assert (data[0]["image"] != data[1]["image"]).any()


def test_every_image_of_live_has_a_name_of_its_own(fake_data: Path, tmp_path: Path) -> None:
    data = ready(LIVE(fake_data / "live"))
    names = {record.name.casefold() for record in data.records}
    assert len(names) == len(data.records) == 30
    assert "fastfading/img1.bmp" in names
    data.assignment.write(tmp_path / "split.csv")
    with (tmp_path / "split.csv").open(newline="") as file:
        written = {row["image"]: row["split"] for row in csv.DictReader(file)}
    assert written == {
        record.name: part
        for record, part in zip(data.records, data.assignment.subsets, strict=True)
    }
