"""A user's own folder: what it may look like, and the messages for a table that is wrong."""

import os
import shutil
from pathlib import Path

import pytest

from kdiqa.data.images import read
from kdiqa.data.pairs.pairing import Reference
from kdiqa.data.readers.folder import Folder
from kdiqa.data.source import BrokenImagesError
from kdiqa.data.splits.stored import SplitTable
from tests.fakes import picture, write


@pytest.fixture
def own(fake_data: Path, tmp_path: Path) -> Path:
    """Returns a folder of one's own, to be changed."""
    return Path(shutil.copytree(fake_data / "folder", tmp_path / "own"))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Returns twelve pictures without a table."""
    for i in range(12):
        write(tmp_path / "holiday" / f"{i}.png", picture(i))
    return tmp_path


def listed(root: Path, text: str) -> Path:
    (root / "labels.csv").write_text(text)
    return root


def two_columns(root: Path, scores: list[float]) -> Path:
    rows = [f"holiday/{i}.png,{score}" for i, score in enumerate(scores)]
    return listed(root, "\n".join(["image,mos", *rows]) + "\n")


def ready(root: Path | None, **options: object) -> Folder:
    data = Folder(root, **options)  # type: ignore[arg-type]
    data.setup()
    return data


def message_of(root: Path | None, **options: object) -> str:
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        ready(root, **options)
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)


def test_two_columns_and_a_scale_are_enough(small: Path) -> None:
    data = ready(two_columns(small, [1 + i / 3 for i in range(12)]), lower=1, upper=5)
    assert [record.mos for record in data.records] == pytest.approx([i / 12 for i in range(12)])
    assert {record.content for record in data.records} == {f"holiday/{i}.png" for i in range(12)}
    assert [data.assignment.subsets.count(part) for part in ("train", "val", "test")] == [9, 1, 2]


def test_low_scores_may_be_good_ones(small: Path) -> None:
    two_columns(small, [float(i) for i in range(12)])
    data = ready(small, upper=20, lower_is_better=True)
    assert data.records[0].mos == 1.0
    assert data.records[10].mos == 0.5
    assert not Folder.lower_is_better  # another folder's scores may rise


def test_images_of_one_original_stay_together(own: Path) -> None:
    data = ready(own, pairs={"reference": Reference()})
    assert len(data.records) == 18
    parts: dict[str, set[str]] = {}
    for record, part in zip(data.records, data.assignment.subsets, strict=True):
        parts.setdefault(record.content, set()).add(part)
    assert len(parts) == 6
    assert all(len(of_one) == 1 for of_one in parts.values())
    record = data.records[2]
    assert record.image == own / "noise" / "photo0_3.png"  # listed by its file name alone
    assert record.reference == own / "pristine" / "photo0.png"
    assert (record.distortion, record.level, record.mos) == ("noise", 3, 0.25)


def test_an_original_is_one_content_by_whatever_name(own: Path) -> None:
    text = (own / "labels.csv").read_text()
    listed(own, text.replace("photo0_2.png,photo0.png", "photo0_2.png,pristine\\PHOTO0.png"))
    assert len({record.content for record in ready(own).records}) == 6


def test_a_content_of_ones_own_wins_over_the_original(own: Path) -> None:
    lines = (own / "labels.csv").read_text().splitlines()
    scenes = ["content", *(f"Scene {i // 2}" for i in range(18))]
    listed(own, "\n".join(f"{line},{scene}" for line, scene in zip(lines, scenes, strict=True)))
    assert len({record.content for record in ready(own).records}) == 9


def test_parts_of_ones_own_are_taken_and_can_be_overruled(small: Path) -> None:
    parts = ["training"] * 6 + ["val"] * 2 + ["Test"] * 4
    rows = [f"holiday/{i}.png,0.5,{part}" for i, part in enumerate(parts)]
    listed(small, "\n".join(["image,mos,split", *rows]))
    assert ready(small).assignment.subsets == ["train"] * 6 + ["val"] * 2 + ["test"] * 4
    other = ready(small, split_by="image").assignment.subsets
    assert [other.count(part) for part in ("train", "val", "test")] == [9, 1, 2]


def test_a_missing_folder_and_a_missing_table_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KDIQA_DATA", raising=False)
    assert message_of(None) == (
        "Folder has no folder: data.root is not set.\nSet data.root=/path/to/folder, or KDIQA_DATA "
        "in the environment to the folder that holds folder."
    )
    assert message_of(tmp_path / "no") == (
        f"Folder not found in '{tmp_path}/no'. Put it there, or set data.root (now from data.root)"
        " to where it is."
    )
    assert message_of(tmp_path) == (
        f"Folder lacks 'labels.csv' in '{tmp_path}'. Put it there, or set data.root (now from "
        "data.root) to where it is."
    )


def test_a_missing_column_is_told_with_those_that_may_be(small: Path) -> None:
    listed(small, "image;mos\nholiday/0.png;1\n")
    assert message_of(small) == (
        f"'{small}/labels.csv' has no column 'image': its first line is 'image;mos'. Name the "
        "columns there,\nseparated by commas: image,mos and, where you have them, "
        "ref,split,distortion,level,content."
    )


def test_a_score_outside_the_scale_is_told_with_the_scores_there_are(small: Path) -> None:
    two_columns(small, [0.5, 3.5, 1.25, *[1.0] * 9])
    assert message_of(small) == (
        f"'{small}/labels.csv', line 3: 3.5 lies outside the scale from 0 to 1; all scores lie "
        "from 0.5 to 3.5.\nSet data.lower and data.upper to the ends of the scale, for instance "
        "data.lower=1 data.upper=5."
    )


@pytest.mark.parametrize("text", ["", "good", "nan"])
def test_what_is_no_score_is_refused(small: Path, text: str) -> None:
    listed(small, f"image,mos\nholiday/0.png,0.5\nholiday/1.png,{text}\n")
    assert message_of(small) == (
        f"'{small}/labels.csv', line 3: mos is '{text}', which is no number. Write one such as "
        "3.5, or take that row out."
    )


def test_an_empty_table_is_refused(small: Path) -> None:
    assert message_of(listed(small, "image,mos\n")) == (
        f"'{small}/labels.csv' lists no image. Write a row for each: holiday.jpg,3.5"
    )


def test_a_missing_image_is_told_with_the_nearest_name(small: Path) -> None:
    listed(small, "image,mos\nholiday/0.png,0.5\nhollyday/10.jpg,0.5\n99.png,0.5\n")
    assert message_of(small) == (
        f"'{small}/labels.csv' lists 2 names in column 'image' that are no file in '{small}',\n"
        "the first in line 3: 'hollyday/10.jpg'; the nearest name there is 'holiday/10.png'.\n"
        "Name each image by its path below that folder, or set data.root (now from data.root)."
    )


def test_a_missing_original_is_refused(own: Path) -> None:
    (own / "pristine" / "photo5.png").unlink()
    assert message_of(own) == (
        f"'{own}/labels.csv' lists 1 names in column 'ref' that are no file in '{own}',\n"
        "the first in line 17: 'photo5.png'; the nearest name there is 'noise/photo5_3.png'.\n"
        "Name each image by its path below that folder, or set data.root (now from data.root)."
    )


def test_a_name_that_several_files_have_needs_its_path(small: Path) -> None:
    write(small / "work" / "0.png", picture(3))
    listed(small, "image,mos\n0.png,0.5\n")
    assert message_of(small) == (
        f"'{small}/labels.csv' lists 1 names in column 'image' that are no file in '{small}',\n"
        "the first in line 2: '0.png'; the nearest name there is 'holiday/0.png'.\n"
        "Name each image by its path below that folder, or set data.root (now from data.root)."
    )


def test_an_image_listed_twice_is_refused(small: Path) -> None:
    listed(small, "image,mos\nholiday/3.png,0.5\nholiday/1.png,0.5\n3.png,0.75\n")
    assert message_of(small) == (
        f"'{small}/labels.csv' lists '3.png' twice, in lines 2 and 4. Keep one row an image, for "
        "instance with the mean of its scores."
    )


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        (
            "level",
            "strong",
            "level is 'strong', which is no whole number. Write one such as 3, or leave it empty.",
        ),
        (
            "split",
            "",
            "split is ''. Write train, val or test in every row, or take that column out.",
        ),
    ],
)
def test_a_wrong_cell_is_refused(small: Path, column: str, text: str, message: str) -> None:
    listed(small, f"image,mos,{column}\nholiday/0.png,0.5,{text}\n")
    assert message_of(small) == f"'{small}/labels.csv', line 2: {message}"


def test_a_broken_image_is_refused_before_training(small: Path) -> None:
    two_columns(small, [0.5] * 12)
    (small / "holiday" / "7.png").write_bytes(b"")
    with pytest.raises(RuntimeError) as caught:
        ready(small)
    assert str(caught.value) == (
        f"1 image files of Folder in '{small}' cannot be read: 'holiday/7.png' (empty file).\n"
        "Copy them there again, or take their rows out of the table."
    )


def test_an_empty_scale_is_refused() -> None:
    message = (
        r"^A scale from 5 to 1 has no room for scores\. Set data\.lower below data\.upper, and"
        r" data\.lower_is_better=true where low scores are good\.$"
    )
    with pytest.raises(ValueError, match=message):
        Folder("x", lower=5, upper=1)


def test_each_image_has_a_name_of_its_own_whatever_folders_are_called(tmp_path: Path) -> None:
    names = [
        f"{top}/{low}/{i}.png" for top in "ab" for low in ("x", f"only_{top}") for i in range(6)
    ]
    for number, name in enumerate(names):
        write(tmp_path / name, picture(number))
    table = "\n".join(["image,mos", *(f"{name},{i % 5}" for i, name in enumerate(names))])
    data = ready(listed(tmp_path, table + "\n"), upper=5)
    written = [record.name for record in data.records]
    assert written == [name if "/x/" in name else name[2:] for name in names]
    data.assignment.write(tmp_path / "split.csv")
    again = ready(tmp_path, upper=5, split=1, stored_split=SplitTable(tmp_path / "split.csv"))
    assert again.assignment.subsets == data.assignment.subsets
    assert again.digest == data.digest


def test_a_setup_looks_once_at_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{i}/0.png" for i in range(300)]
    for name in names:
        write(tmp_path / name, picture(0))
    listed(tmp_path, "\n".join(["image,mos", *(f"{name},1" for name in names)]) + "\n")
    looked: list[str] = []
    plain = read.check_image
    monkeypatch.setattr(read, "check_image", lambda p: looked.append(str(p)) or plain(p))
    assert len(ready(tmp_path, upper=5).records) == 300
    assert sorted(looked) == sorted(str(tmp_path / name) for name in names)


def test_a_named_pipe_is_refused_and_not_waited_for(small: Path) -> None:
    two_columns(small, [0.5] * 12)
    (small / "holiday" / "3.png").unlink()
    os.mkfifo(small / "holiday" / "3.png")
    with pytest.raises(BrokenImagesError, match=r"'holiday/3\.png' \(it is no plain file\)"):
        ready(small)
