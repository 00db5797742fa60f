from pathlib import Path

import pytest

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.agiqa3k import AGIQA3K
from kdiqa.data.readers.flive import FLIVE
from kdiqa.data.readers.pipal import PIPAL
from kdiqa.data.readers.piq23 import PIQ23
from kdiqa.data.readers.spaq import SPAQ
from tests.data.reading import message_of


@pytest.mark.parametrize(
    ("reader", "table"),
    [
        (SPAQ, "Annotations/MOS and Image attribute scores.xlsx"),
        (FLIVE, "labels_image.csv"),
        (PIPAL, "Train_Label/A0001.txt' and all other labels"),
        (PIQ23, "Scores_Overall.csv"),
        (AGIQA3K, "data.csv"),
    ],
)
def test_a_missing_label_file_is_told_with_what_to_do(
    reader: type[IQADataModule], table: str, tmp_path: Path
) -> None:
    lacks = table if "'" in table else f"{table}'"
    assert message_of(reader(tmp_path)) == (
        f"{reader.__name__} lacks '{lacks} in '{tmp_path}'. Unpack it there from\n"
        f"{reader.homepage}, or set data.root (now from data.root) to where it is."
    )


@pytest.mark.parametrize(
    ("copy", "reader", "lost", "count"),
    [
        ("spaq", SPAQ, "TestImage/00003.jpg", 20),
        ("flive", FLIVE, "database/EE371R/002.jpg", 24),
        ("pipal", PIPAL, "Distortion_1/A0002_00_01.bmp", 48),
        ("piq23", PIQ23, "Overall/3_Indoor_Scene_2_2.JPG", 30),
        ("agiqa3k", AGIQA3K, "DALLE2_003.jpg", 24),
    ],
    indirect=["copy"],
)
def test_a_missing_image_is_named(
    copy: Path, reader: type[IQADataModule], lost: str, count: int
) -> None:
    (copy / lost).unlink()
    assert message_of(reader(copy)) == (
        f"{reader.__name__} lacks 1 of {count} images, the first is '{lost}' in '{copy}'. Unpack "
        f"it there from\n{reader.homepage}, or set data.root (now from data.root) to where it is."
    )
