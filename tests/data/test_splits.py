import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from kdiqa.data.record import Record
from kdiqa.data.splits import Split, SplitBy, digest, to_csv

FIXED = [
    Record(Path(f"images/i{content:02d}_{level}.png"), level / 10, content=f"i{content:02d}")
    for content in range(25)
    for level in range(4)
]
"""25 contents of 4 images each; golden numbers below are of this list."""

PROGRAM = """
from tests.data.test_splits import fingerprint
print(fingerprint("content", 3))
"""


def fingerprint(by: SplitBy, index: int) -> str:
    assignment = Split(index, by).assign(FIXED)
    return hashlib.sha256("\n".join(assignment).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("by", "index", "golden"),
    [
        ("content", 0, "7735e54a7f34e550"),
        ("content", 9, "e33416ba8073f524"),
        ("image", 0, "5c40eabdef082629"),
        ("image", 9, "e32655bc6a13a632"),
    ],
)
def test_a_split_is_the_one_it_has_always_been(by: SplitBy, index: int, golden: str) -> None:
    assert fingerprint(by, index) == golden


def test_a_split_does_not_depend_on_the_hash_seed() -> None:
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    printed = subprocess.check_output([sys.executable, "-c", PROGRAM], env=environment, text=True)
    assert printed.strip() == fingerprint("content", 3)


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


def test_namesakes_of_two_folders_are_two_images() -> None:
    records = [Record(Path(folder, f"img{i}.bmp"), 0.5, "a") for folder in "ab" for i in range(20)]
    assignment = Split(0, "image").assign(records)
    assert assignment[:20] != assignment[20:]


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
    to_csv(tmp_path / "split.csv", FIXED[:2], ["train", "val"])
    lines = (tmp_path / "split.csv").read_text().splitlines()
    assert lines == ["image,content,split", "i00_0.png,i00,train", "i00_1.png,i00,val"]


@pytest.mark.parametrize(
    ("split", "records", "message"),
    [
        (
            Split(),
            FIXED[:8],
            "8 images of 2 contents, split by content, leave a part empty: 4 train, 4 val, "
            "0 test.\nAdd images, or set data.split_by or data.ratios (now [0.7, 0.1, 0.2]) so "
            "that each part has some.",
        ),
        (
            Split(0, "official"),
            FIXED,
            "100 of 100 images have no official part, the first is 'i00_0.png'. "
            "Set data.split_by=content or data.split_by=image.",
        ),
    ],
)
def test_too_few_contents_and_unknown_parts_are_told(
    split: Split, records: list[Record], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        split.assign(records)


def test_unknown_ways_and_shares_are_told() -> None:
    message = "Images are not split by 'contents'. Set split_by: content, image or official."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Split(0, "contents")  # type: ignore[arg-type]
    message = (
        "The shares of train, val and test are [0.8, 0.2], but three that add up to 1 are needed. "
        "Set ratios: [0.7, 0.1, 0.2]."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Split(0, "content", [0.8, 0.2])
