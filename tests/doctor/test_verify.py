import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.kadid10k import KADID10k
from kdiqa.data.readers.koniq10k import KonIQ10k
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.source import Facts
from kdiqa.doctor.datasets import data_module
from kdiqa.doctor.decode import in_parallel
from kdiqa.doctor.verify import Check, verify
from tests.fakes import FAKES, picture, write

Copy = Callable[[str], Path]
WHOLE = Facts(36, 2.6, 6.1, 4.35, contents=6)  # of the fake TID2013


@pytest.fixture
def copy(fake_data: Path, tmp_path: Path) -> Copy:
    """Returns a function that copies a fake, to be spoilt."""
    return lambda name: Path(shutil.copytree(fake_data / name, tmp_path / name))


def faults(data: IQADataModule, fast: bool = False) -> list[Check]:
    return [check for check in verify(data, fast) if check.state == "fault"]


def one(data: IQADataModule, state: str = "fault", fast: bool = False) -> Check:
    """Returns the only check with a state."""
    found = [check for check in verify(data, fast) if check.state == state]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("fast", [False, True], ids=["decoded", "fast"])
@pytest.mark.parametrize("name", sorted(FAKES))
def test_nothing_is_wrong_with_a_copy_in_the_official_layout(
    name: str, fast: bool, fake_data: Path
) -> None:
    checks = verify(data_module(name, fake_data / name), fast)
    assert [check for check in checks if check.state == "fault"] == []
    looked_at = {check.name for check in checks}
    assert looked_at >= {"labels", "images", "decoding", "split"}


def test_a_partial_copy_is_called_one(fake_data: Path) -> None:
    found = one(TID2013(fake_data / "tid2013"), "note")
    assert found == Check("labels", "note", "36 of 3000 images listed: a partial copy")


def test_a_whole_copy_says_what_it_holds(fake_data: Path) -> None:
    data = TID2013(fake_data / "tid2013")
    data.facts = WHOLE
    assert [f"{check.state} {check.name}: {check.message}" for check in verify(data)] == [
        "fine labels: 36 images of 6 contents, scores from 2.6 to 6.1, mean 4.3500",
        "fine images: all 36 are there",
        "fine references: all 6 are there",
        "fine decoding: all 42 image files can be read",
        "fine sizes: 36 images are as large as their reference",
        "fine split: split 0 by content: 24 train, 6 val, 6 test; no content stands in two parts",
    ]


def test_all_missing_images_and_references_are_named(copy: Copy) -> None:
    root = copy("tid2013")
    for name in ("i02_08_1.bmp", "i03_01_2.bmp"):
        (root / "distorted_images" / name).unlink()
    (root / "reference_images" / "I05.BMP").unlink()
    images, references = faults(TID2013(root))
    there = f"are missing in '{root}'. Unpack them there from {TID2013.homepage}"
    assert images.message == f"2 of 36 {there}"
    assert images.files == ("distorted_images/i02_08_1.bmp", "distorted_images/i03_01_2.bmp")
    assert references.message == f"1 of 6 {there}"
    assert [Path(file).stem.casefold() for file in references.files] == ["i05"]


@pytest.mark.parametrize("fast", [False, True], ids=["decoded", "fast"])
def test_a_file_cut_short_and_an_empty_one_are_found_together(copy: Copy, fast: bool) -> None:
    root = copy("koniq10k")
    first, second = (root / "1024x768" / f"{name}.jpg" for name in (1003, 1007))
    first.write_bytes(first.read_bytes()[:-200])
    second.write_bytes(b"")
    assert one(KonIQ10k(root), fast=fast) == Check(
        "decoding",
        "fault",
        f"2 of 24 image files cannot be read. Unpack them again, from {KonIQ10k.homepage}",
        (
            "1024x768/1003.jpg: JPEG cut short, no end marker",
            "1024x768/1007.jpg: empty file",
        ),
    )


def test_damage_in_the_middle_of_a_file_is_found_by_decoding_it(copy: Copy) -> None:
    root = copy("koniq10k")
    path = root / "1024x768" / "1003.jpg"
    data = path.read_bytes()
    path.write_bytes(data[:20] + bytes(len(data) - 40) + data[-20:])
    assert faults(KonIQ10k(root), fast=True) == []
    found = one(KonIQ10k(root))
    assert found.name == "decoding"
    assert found.files[0].startswith("1024x768/1003.jpg: ")


def test_every_number_that_an_edited_label_changes_is_told(copy: Copy) -> None:
    root = copy("tid2013")
    path = root / "mos_with_names.txt"
    path.write_text(path.read_text().replace("2.60000 ", "0.20000 ", 1))
    data = TID2013(root)
    data.facts = WHOLE
    own = f"in the authors' own. Restore their label file, from {TID2013.homepage}"
    assert [check.message for check in faults(data)] == [
        f"lowest score: 0.2, but 2.6 {own}",
        f"mean score: 4.28333, but 4.35 {own}",
    ]


def test_a_line_too_many_is_told(copy: Copy) -> None:
    root = copy("tid2013")
    path = root / "mos_with_names.txt"
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    data = TID2013(root)
    data.facts = WHOLE
    messages = [check.message for check in faults(data)]
    assert messages[0] == (
        "images listed: 37, but 36 in the authors' own. Restore their label file, from"
        f" {TID2013.homepage}"
    )
    twice = "1 images are listed more than once. Restore the label file."
    assert messages[-1] == twice


def test_a_score_outside_the_scale_is_told_with_all_else_that_is_wrong(copy: Copy) -> None:
    root = copy("kadid10k")
    path = root / "dmos.csv"
    path.write_text(path.read_text().replace("4.10", "41.0", 1))
    (root / "images" / "I02_11_01.png").unlink()
    labels, images = faults(KADID10k(root))
    assert labels.message == (
        f"KADID10k has scores from 1 to 5, but in '{root}' 1 of 36 lie outside: from 41 "
        f"to 41.\nRestore the authors' label file, from {KADID10k.homepage}"
    )
    assert images.files == ("images/I02_11_01.png",)


def test_files_that_no_list_has_are_noted(copy: Copy) -> None:
    root = copy("koniq10k")
    write(root / "1024x768" / "copy of 1003.jpg", picture(3))
    (root / "1024x768" / "Thumbs.db").write_bytes(b"no picture")
    notes = [check for check in verify(KonIQ10k(root)) if check.name == "extra"]
    message = "1 image files next to the listed ones are in no list"
    assert notes == [Check("extra", "note", message, ("1024x768/copy of 1003.jpg",))]


def test_an_image_of_another_size_than_its_reference_is_named(copy: Copy) -> None:
    root = copy("tid2013")
    path = root / "distorted_images" / "i02_08_1.bmp"
    cv2.imwrite(str(path), cv2.imread(str(path))[:40, :50])
    assert one(TID2013(root)) == Check(
        "sizes",
        "fault",
        "1 of 36 images differ in size from their reference",
        ("distorted_images/i02_08_1.bmp: 50×40, its reference 64×48",),
    )


def test_a_split_that_parts_a_content_is_a_fault(fake_data: Path) -> None:
    found = one(TID2013(fake_data / "tid2013", split_by="image"))
    message = (
        r"split 0 by image: \d+ train, \d+ val, \d+ test; \d contents stand in two parts or more, "
        r"the first is 'i0\d'\. Set data\.split_by=content\."
    )
    assert re.fullmatch(message, found.message)


def test_too_few_contents_for_three_parts_are_told(copy: Copy) -> None:
    root = copy("kadid10k")
    path = root / "dmos.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:7]))
    found = one(KADID10k(root))
    assert found.name == "split"
    assert found.message == (
        "6 images of 1 contents, split by content, leave a subset empty: 0 train, 6 val, 0 test.\nAdd"
        " images, or set data.split_by or data.ratios (now [0.7, 0.1, 0.2]) so that each subset has"
        " some."
    )


@pytest.mark.parametrize("there", ["tid2013", "nowhere"])
def test_a_wrong_folder_gets_one_message(fake_data: Path, there: str) -> None:
    root = fake_data / there
    wrong = "lacks 'dmos.csv' in" if there == "tid2013" else "not found in"
    assert verify(KADID10k(root)) == [
        Check(
            "labels",
            "fault",
            f"KADID10k {wrong} '{root}'. Unpack it there from\n{KADID10k.homepage}, or set "
            "data.root (now from data.root) to where it is.",
        )
    ]


def test_a_table_without_a_needed_column_gets_one_message(copy: Copy) -> None:
    root = copy("kadid10k")
    path = root / "dmos.csv"
    path.write_text(path.read_text().replace("dmos", "score", 1))
    assert one(KADID10k(root)).message == (
        f"'{path}' has no column 'dmos', its columns are 'dist_img, ref_img, score, var'. "
        "Restore the authors' file."
    )


def test_an_interruption_waits_for_no_file_that_is_not_begun() -> None:
    looked = []

    def look(path: Path) -> None:
        looked.append(path)
        time.sleep(0.001)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_parallel(look, [Path(str(i)) for i in range(10_000)], "Looking")
    assert len(looked) < 10_000


# What follows looks at real files, where they lie beside the checkout.


@pytest.mark.parametrize(
    ("name", "folder", "options", "missing"),
    [
        ("biq2021", "biq2021_subset", (), {}),
        ("tid2013", "tid2013_partial", (), {}),
        ("kadid10k", "minis/kadid10k", (), {"images": (10120, 10125), "references": (80, 81)}),
        ("koniq10k", "minis/koniq10k", (), {"images": (10061, 10073)}),
        ("koniq10k", "minis/koniq10k", ("image_size=512x384",), {"images": (10070, 10073)}),
        ("livec", "minis/livec", (), {"images": (1156, 1162)}),
        ("csiq", "minis/csiq", (), {"images": (856, 866), "references": (30, 30)}),
    ],
)
def test_real_samples_are_fine_as_far_as_they_go(
    shared_data: Path,
    name: str,
    folder: str,
    options: tuple[str, ...],
    missing: dict[str, tuple[int, int]],
) -> None:
    root = shared_data / folder
    data = data_module(name, root, options)
    wrong = faults(data, fast=True)
    source = f"are missing in '{root}'. Unpack them there from {data.homepage}"
    assert [(check.name, check.message) for check in wrong] == [
        (what, f"{count} of {total} {source}") for what, (count, total) in missing.items()
    ]
    assert [len(check.files) for check in wrong] == [count for count, _ in missing.values()]
