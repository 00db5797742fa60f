import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.csiq import CSIQ
from kdiqa.data.readers.kadid10k import KADID10k
from kdiqa.data.readers.koniq10k import KonIQ10k
from kdiqa.data.readers.live import LIVE
from kdiqa.data.readers.livec import LIVEChallenge
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.record import Record, uniquely_named
from kdiqa.data.splits.split import Assignment, Split, SplitBy, digest
from kdiqa.data.splits.stored import SplitTable
from tests.data.labels import real_records

FIXED = [
    Record(Path(f"images/i{content:02d}_{level}.png"), level / 10, content=f"i{content:02d}")
    for content in range(25)
    for level in range(4)
]
"""25 contents of 4 images each; golden numbers below are of this list."""

GOLDEN: dict[SplitBy, list[str]] = {
    "content": [
        "7735e54a7f34e550",
        "063f81ac29b6bbb5",
        "ec204f8c47f8cbe2",
        "79a9aa57f3dccd9c",
        "eebbbd8a76576e86",
        "ff1037fa5c68ee7b",
        "032aa6cf1a70f2c9",
        "914c2f3516f37f55",
        "3df407ea3e8b6799",
        "e33416ba8073f524",
    ],
    "image": [
        "bacd1bea8cd35a3a",
        "6d039f95e9d86fa4",
        "b4d6329187beb8ff",
        "b918601f92f6bd3d",
        "b678fe08561ee38e",
        "303dd79499422b78",
        "9cc28aa05c176bdd",
        "86f158a5e22da9de",
        "fcf398c9a114e022",
        "79633b1a2666d702",
    ],
}

PROGRAM = """
from tests.data.splits.test_split import fingerprint
print(*(fingerprint(by, index) for by in ("content", "image") for index in range(10)))
"""


def fingerprint(by: SplitBy, index: int) -> str:
    assignment = Split(index, by).assign(FIXED)
    return hashlib.sha256("\n".join(assignment).encode()).hexdigest()[:16]


@pytest.mark.parametrize("by", ["content", "image"])
def test_ten_splits_are_the_ones_they_have_always_been(by: SplitBy) -> None:
    assert [fingerprint(by, index) for index in range(10)] == GOLDEN[by]


def test_no_split_depends_on_the_hash_seed() -> None:
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    printed = subprocess.check_output([sys.executable, "-c", PROGRAM], env=environment, text=True)
    assert printed.split() == GOLDEN["content"] + GOLDEN["image"]


@pytest.mark.parametrize(
    ("kind", "images", "golden"),
    [
        (LIVE, 779, "80ee6676c21f769d"),
        (CSIQ, 866, "8853016f477f3690"),
        (TID2013, 3000, "f96a21501576d526"),
        (KADID10k, 10125, "e625ef3535d8ed4e"),
        (KonIQ10k, 10073, "a7b7d65bb532439e"),
        (LIVEChallenge, 1162, "1644de4bfae9d477"),
    ],
)
def test_ten_splits_of_a_real_data_set_are_the_ones_they_have_always_been(
    kind: type[IQADataModule], images: int, golden: str, shared_data: Path, tmp_path: Path
) -> None:
    records = real_records(kind, shared_data, tmp_path)
    assert len(records) == images
    digests = [digest(records, Split(i, kind.split_by).assign(records)) for i in range(10)]
    assert hashlib.sha256("".join(digests).encode()).hexdigest()[:16] == golden


def test_a_split_does_not_depend_on_the_order_of_the_records() -> None:
    split = Split(1)
    forward, backward = split.assign(FIXED), split.assign(FIXED[::-1])
    assert forward == backward[::-1]
    assert digest(FIXED, forward) == digest(FIXED[::-1], backward)


def test_a_content_keeps_its_place_whatever_its_letter_case() -> None:
    upper = [Record(r.image, r.mos, r.content.upper()) for r in FIXED]
    assert Split(1).assign(upper) == Split(1).assign(FIXED)


@pytest.mark.parametrize("index", range(10))
def test_no_content_stands_on_two_sides(index: int) -> None:
    assignment = Split(index, "content").assign(FIXED)
    sides = {(record.content, part) for record, part in zip(FIXED, assignment, strict=True)}
    assert len(sides) == 25
    assert Counter(assignment) == {"train": 72, "val": 8, "test": 20}


def test_ten_splits_differ() -> None:
    assert len({fingerprint("content", index) for index in range(10)}) == 10


@pytest.mark.parametrize(
    ("contents", "train_and_val", "test"), [(29, 23, 6), (30, 24, 6), (25, 20, 5), (81, 65, 16)]
)
def test_parts_have_the_sizes_of_the_literature(
    contents: int, train_and_val: int, test: int
) -> None:
    records = [Record(Path(f"{i}.png"), 0.5, str(i)) for i in range(contents)]
    for ratios in [(0.7, 0.1, 0.2), (0.8, 0.0, 0.2)]:
        counts = Counter(Split(0, "content", ratios).assign(records))
        assert counts["train"] + counts["val"] == train_and_val
        assert counts["test"] == test


def test_no_share_for_val_carves_a_tenth_of_the_training_contents() -> None:
    records = [Record(r.image, r.mos, r.content) for r in FIXED]
    assignment = Split(4, "content", (0.8, 0, 0.2)).assign(records)
    assert Counter(assignment) == {"train": 72, "val": 8, "test": 20}
    assert len({(r.content, p) for r, p in zip(records, assignment, strict=True)}) == 25


def test_the_official_test_part_stays_and_val_is_carved_by_content() -> None:
    records = [
        Record(r.image, r.mos, r.content, split="test" if i >= 80 else "train")
        for i, r in enumerate(FIXED)
    ]
    one, other = (Split(index, "official").assign(records) for index in (0, 1))
    assert Counter(one) == {"train": 72, "val": 8, "test": 20}
    assert one[80:] == other[80:] == ["test"] * 20
    assert one != other
    assert len({(r.content, p) for r, p in zip(records, one, strict=True)}) == 25


def test_an_official_split_with_val_is_taken_as_it_is() -> None:
    parts = ["train", "val", "test", "train"] * 25
    records = [
        Record(r.image, r.mos, r.content, split=part) for r, part in zip(FIXED, parts, strict=True)
    ]
    assert Split(5, "official").assign(records) == parts


def test_namesakes_of_two_folders_are_two_images(tmp_path: Path) -> None:
    records = uniquely_named(
        [Record(Path(folder, f"img{i}.bmp"), 0.5, "a") for folder in "ab" for i in range(20)],
        Path(),
    )
    assignment = Split(0, "image").assign(records)
    assert assignment[:20] != assignment[20:]
    Assignment.of(records, assignment).write(tmp_path / "split.csv")
    assert SplitTable(tmp_path / "split.csv").assign(records, 0) == assignment


def test_a_split_by_image_is_the_same_whatever_the_folder_is_called() -> None:
    moved = [Record(Path("elsewhere", r.image.name), r.mos, r.content) for r in FIXED]
    assert Split(2, "image").assign(moved) == Split(2, "image").assign(FIXED)


def test_the_digest_tells_names_scores_and_parts_apart() -> None:
    assignment = Split(0).assign(FIXED)
    other_score = [Record(r.image, r.mos + 1e-6, r.content) for r in FIXED]
    digests = {
        digest(FIXED, assignment),
        digest(other_score, assignment),
        digest(FIXED, Split(1).assign(FIXED)),
        digest(FIXED[1:], assignment[1:]),
    }
    assert len(digests) == 4
    assert digest(FIXED, assignment)[:16] == "927cbc321240501b"


def test_a_split_is_written_as_a_table(tmp_path: Path) -> None:
    Assignment.of(FIXED[:2], ["train", "val"]).write(tmp_path / "split.csv")
    lines = (tmp_path / "split.csv").read_text().splitlines()
    assert lines == ["image,content,split", "i00_0.png,i00,train", "i00_1.png,i00,val"]


@pytest.mark.parametrize(
    ("split", "records", "message"),
    [
        (
            Split(),
            FIXED[:8],
            "8 images of 2 contents, split by content, leave a subset empty: 4 train, 4 val, "
            "0 test.\nAdd images, or set data.split_by or data.ratios (now [0.7, 0.1, 0.2]) so "
            "that each subset has some.",
        ),
        (
            Split(0, "official"),
            FIXED,
            "100 of 100 images have no official split, the first is 'i00_0.png'. "
            "Set data.split_by=content or data.split_by=image.",
        ),
    ],
)
def test_too_few_contents_and_unknown_parts_are_refused(
    split: Split, records: list[Record], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        split.assign(records)


def test_unknown_ways_and_shares_are_refused() -> None:
    message = "split_by is 'contents'; it is one of: content, image, official."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Split(0, "contents")  # type: ignore[arg-type]
    message = (
        "The shares of train, val and test are [0.8, 0.2], but three that add up to 1 are needed. "
        "Set ratios: [0.7, 0.1, 0.2]."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Split(0, "content", [0.8, 0.2])
