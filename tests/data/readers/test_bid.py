import shutil
from pathlib import Path

import cv2
import pytest

from kdiqa.data.readers.bid import BID
from tests.data.readers.test_conf import data_from
from tests.data.reading import labels, message_of, ready
from tests.fakes import picture, write_xlsx

HEAD = ("Image Number", "Average Subjective Grade")


def test_bid_finds_its_images_by_number(fake_data: Path) -> None:
    records = labels(BID(fake_data / "bid"))
    assert len(records) == 20
    assert [record.image.name for record in records[:2]] == [
        "DatabaseImage0001.JPG",
        "DatabaseImage0003.JPG",  # the numbers have gaps
    ]
    assert all(record.image.is_file() for record in records)
    assert records[0].mos == pytest.approx(3.6)


@pytest.mark.parametrize("copy", ["bid"], indirect=True)
def test_bid_may_have_its_images_in_the_root_wherever_that_is(copy: Path, tmp_path: Path) -> None:
    before = ready(BID(copy))
    for file in (copy / "ImageDatabase").iterdir():
        file.rename(copy / file.name)
    copy.rename(tmp_path / "elsewhere")
    after = ready(BID(tmp_path / "elsewhere"))
    assert after.digest == before.digest
    assert after.assignment.subsets == before.assignment.subsets
    assert after.records[0].image == tmp_path / "elsewhere" / "DatabaseImage0001.JPG"


def test_bid_names_the_workbook_where_it_has_no_label_file(tmp_path: Path) -> None:
    assert message_of(BID(tmp_path)) == (
        f"BID lacks 'DatabaseGrades.xlsx' in '{tmp_path}'. Unpack it there from\n"
        "http://www02.smt.ufrj.br/~eduardo/ImageDatabase.htm, or set data.root "
        "(now from data.root) to where it is."
    )


@pytest.mark.parametrize("copy", ["bid"], indirect=True)
def test_bid_names_a_missing_image(copy: Path) -> None:
    (copy / "ImageDatabase" / "DatabaseImage0004.JPG").unlink()
    assert message_of(BID(copy)) == (
        "BID lacks 1 of 20 images, the first is 'ImageDatabase/DatabaseImage0004.JPG' in "
        f"'{copy}'. Unpack it there from\n{BID.homepage}, or set data.root (now from data.root) "
        "to where it is."
    )


def test_bid_tells_what_is_no_image_number(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "DatabaseGrades.xlsx", [HEAD, (1, 2.5), ("mean", 2.5)])
    assert message_of(BID(tmp_path)) == (
        f"'{path}', line 3: 'mean' is no image number. Restore the authors' file."
    )


def test_bid_tells_a_workbook_of_something_else(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "DatabaseGrades.xlsx", [("Image", "Grade"), (1, 2.5)])
    assert message_of(BID(tmp_path)) == (
        f"'{path}' has no column 'Image Number', its columns are 'Image, Grade'. "
        "Restore the authors' file."
    )


def test_large_photographs_of_bid_are_brought_to_512_before_they_are_cropped() -> None:
    data = data_from("bid", "data.root=x")
    assert [crops.resize for crops in (data.train_crops, data.test_crops)] == [512, 512]
    half = cv2.resize(picture(0, 512, 640), (1280, 1024), interpolation=cv2.INTER_NEAREST)
    crops = data.test_crops({"image": half}, 0)["image"]
    same = data.test_crops({"image": picture(0, 512, 640)}, 0)["image"]
    assert (crops == same).all()


# What follows reads the real label file, where it lies next to the checkout.


def test_the_real_bid_labels_have_the_known_facts(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(shared_data / "labels" / "bid" / "DatabaseGrades.xls", tmp_path)
    records = labels(BID(tmp_path))
    scores = [record.mos for record in records]
    facts = BID.facts
    assert len(records) == len({record.content for record in records}) == facts.images == 586
    observed = (min(scores), max(scores), sum(scores) / len(scores))
    assert observed == pytest.approx((facts.lowest, facts.highest, facts.mean), abs=1e-4)
    assert observed[:2] == pytest.approx((0.16, 4.92), abs=0.005)
    assert records[-1].image.name == "DatabaseImage0590.JPG"
