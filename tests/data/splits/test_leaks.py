import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from kdiqa.data.images.read import read_rgb
from kdiqa.data.readers.biq2021 import BIQ2021
from kdiqa.data.readers.kadid10k import KADID10k
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.splits.leaks import LeakError, learnt_contents, split_leaks, teacher_leaks
from tests.fakes import write
from tests.fakes.synthetic import write_kadid10k, write_tid2013


def pair(data: BIQ2021) -> str:
    train, test = (data.records[data.positions(part)[0]].image for part in ("train", "test"))
    return f"'{train.name}' (train) is '{test.name}' (test)"


def test_fakes_leak_nothing(fake_data: Path) -> None:
    for kind in (BIQ2021, TID2013, KADID10k):
        data = kind(fake_data / kind.name)
        data.setup()
        assert data.check_leaks() == []


def test_a_photograph_on_two_sides_stops_the_run(photographs: BIQ2021) -> None:
    message = (
        f"1 image stands on two sides of the split: {pair(photographs)}.\n"
        "Set data.guard=drop to leave the images that would leak out of training and validation, "
        "data.guard=warn to go on, or another data.split_by."
    )
    with pytest.raises(LeakError, match=f"^{re.escape(message)}$"):
        photographs.check_leaks()


def test_warn_changes_nothing_and_drop_leaves_the_training_duplicate_out(
    photographs: BIQ2021,
) -> None:
    before, digest, duplicate = (
        Counter(photographs.assignment.subsets),
        photographs.digest,
        photographs.positions("train")[0],
    )
    photographs.guard = "warn"
    assert [str(leak) for leak in photographs.check_leaks()] == [pair(photographs)]
    assert Counter(photographs.assignment.subsets) == before
    photographs.guard = "drop"
    assert len(photographs.check_leaks()) == 1
    assert Counter(photographs.assignment.subsets) == before - Counter(["train"]) + Counter(
        ["none"]
    )
    assert duplicate not in photographs.positions("train")
    assert photographs.digest != digest
    assert split_leaks(photographs.assignment, "warn") == []


def test_a_content_split_by_image_leaks_without_a_look_at_pixels(fake_data: Path) -> None:
    data = TID2013(fake_data / "tid2013", split_by="image")
    data.setup()
    sides = {
        (r.content, part) for r, part in zip(data.records, data.assignment.subsets, strict=True)
    }
    torn = {content for content, n in Counter(content for content, _ in sides).items() if n > 1}
    assert {leak.here.content for leak in split_leaks(data.assignment, "warn")} == torn
    assert len(torn) > 3


def test_a_reference_under_another_name_is_found(tmp_path: Path) -> None:
    root = write_tid2013(tmp_path / "tid2013")
    data = TID2013(root)
    data.setup()
    train, test = (data.records[data.positions(part)[0]] for part in ("train", "test"))
    assert train.reference is not None
    assert test.reference is not None
    write(test.reference, read_rgb(train.reference)[:, ::-1])
    (leak,) = split_leaks(data.assignment, "warn")
    assert (leak.here.content, leak.there.content) == (train.content, test.content)


def test_an_unknown_policy_is_refused() -> None:
    message = "data.guard is 'ignore'; it is one of: stop, warn, drop."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        TID2013("x", guard="ignore")  # type: ignore[arg-type]


def test_a_teacher_of_the_same_split_has_not_seen_the_test_part(fake_data: Path) -> None:
    teacher, student = (KADID10k(fake_data / "kadid10k", split=1) for _ in range(2))
    for data in (teacher, student):
        data.setup()
    assert len(learnt_contents(teacher.assignment)) == 5  # the references of train and val
    assert teacher_leaks(student.assignment, learnt_contents(teacher.assignment), "stop") == []


def test_a_teacher_of_all_contents_is_told_wherever_its_images_are_now(tmp_path: Path) -> None:
    root = write_kadid10k(tmp_path / "kadid10k")
    teacher, student = KADID10k(root), KADID10k(root)
    for data in (teacher, student):
        data.setup()
    trained = replace(teacher.assignment, subsets=["train"] * len(teacher.records))
    contents = [content | {"file": "/gone.png"} for content in learnt_contents(trained)]
    (tested,) = {student.records[place].reference for place in student.positions("test")}
    assert tested is not None
    message = (
        f"The teacher has learnt from 1 of 1 test images: '{tested.name}'.\n"
        "Train one that has not, with this run's split, or set data.guard=warn to go on and say "
        "so next to the numbers."
    )
    with pytest.raises(LeakError, match=f"^{re.escape(message)}$"):
        teacher_leaks(student.assignment, contents, "stop")
    leaks = teacher_leaks(student.assignment, contents, "warn")
    assert [leak.there.path for leak in leaks] == [tested]


def test_photographs_of_the_real_biq2021_are_found_on_two_sides(shared_data: Path) -> None:
    data = BIQ2021(shared_data / "biq2021_subset", guard="drop")
    data.setup()
    before = Counter(data.assignment.subsets)
    leaks = data.check_leaks()
    sides = Counter((leak.here.subset, leak.there.subset) for leak in leaks)
    assert sides == {("train", "test"): 11, ("train", "val"): 7, ("val", "test"): 2}
    assert Counter(data.assignment.subsets)["test"] == before["test"] == 400
    assert split_leaks(data.assignment, "warn") == []
