from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from kdiqa.data.readers.spaq import SPAQ
from tests.data.readers.test_conf import data_from
from tests.data.reading import labels, message_of, ready


def test_spaq_is_read_from_its_workbook_and_split_by_image(fake_data: Path) -> None:
    record = labels(SPAQ(fake_data / "spaq"))[4]
    assert (record.image.name, record.mos, record.content) == ("00005.jpg", 91.25, "00005.jpg")
    assert record.distortion is None
    assert Counter(ready(SPAQ(fake_data / "spaq")).assignment.subsets) == {
        "train": 14,
        "val": 2,
        "test": 4,
    }


@pytest.mark.parametrize("copy", ["spaq"], indirect=True)
def test_a_score_outside_spaqs_scale_is_refused(copy: Path) -> None:
    path = copy / "Annotations" / "MOS and Image attribute scores.xlsx"
    book = openpyxl.load_workbook(path)
    book.active["B3"] = 100.5
    book.save(path)
    assert message_of(SPAQ(copy)) == (
        f"SPAQ has scores from 0 to 100, but in '{copy}' 1 of 20 lie outside: from 100.5 "
        f"to 100.5.\nRestore the authors' label file, from {SPAQ.homepage}"
    )


def test_spaqs_photographs_are_brought_to_512_pixels() -> None:
    data = data_from("spaq")
    assert data.train_crops.resize == data.test_crops.resize == 512
    assert (data.train_crops.num, data.train_crops.size, data.train_crops.mode) == (
        2,
        16,
        "random",
    )
