import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import scipy.io

from kdiqa.data.pairs.pairing import Reference
from kdiqa.data.readers.live import LIVE
from tests.data.reading import labels, message_of, ready
from tests.fakes import write_mat

FOLDERS = ["jp2k", "jpeg", "wn", "gblur", "fastfading"]


def test_live_leaves_out_the_originals_and_counts_its_folders_in_order(fake_data: Path) -> None:
    records = labels(LIVE(fake_data / "live"))
    assert len(records) == 5 * 6
    assert [r.distortion for r in records] == [folder for folder in FOLDERS for _ in range(6)]
    last = [record.image.name for record in records[5::6]]
    assert last == ["img227.bmp", "img233.bmp", "img174.bmp", "img174.bmp", "img174.bmp"]
    for record in records:
        assert record.image.parent.name == record.distortion
        assert record.content == f"picture{int(record.image.stem[3:]) % 6}"
        assert record.reference is not None
        assert record.reference.stem.casefold() == record.content
        assert record.level is None


def test_live_has_two_labels_and_both_fall_with_quality(fake_data: Path) -> None:
    realigned = ready(LIVE(fake_data / "live", pairs={"reference": Reference()}))
    raw = ready(LIVE(fake_data / "live", label="raw"))
    for one, other in zip(realigned.records, raw.records, strict=True):
        assert 115 - 120 * one.mos == pytest.approx(115 - 115 * other.mos - 2.5)
    assert raw.records[0].mos > raw.records[-1].mos  # jp2k has the low DMOS in the fake
    assert realigned.digest != raw.digest


def test_live_tells_an_unknown_label() -> None:
    message = "label is 'mos'; it is one of: realigned, raw."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LIVE("x", label="mos")  # type: ignore[arg-type]


@pytest.mark.parametrize("copy", ["live"], indirect=True)
@pytest.mark.parametrize(
    ("lost", "label"),
    [
        ("dmos_realigned.mat", "realigned"),
        ("dmos.mat", "raw"),
        ("refnames_all.mat", "raw"),
    ],
)
def test_live_names_the_label_file_it_lacks(copy: Path, lost: str, label: str) -> None:
    (copy / lost).unlink()
    assert message_of(LIVE(copy, label=label)) == (  # type: ignore[arg-type]
        f"LIVE lacks '{lost}' in '{copy}'. Unpack it there from\n"
        "https://live.ece.utexas.edu/research/quality/subjective.htm, or set data.root "
        "(now from data.root) to where it is."
    )


@pytest.mark.parametrize("copy", ["live"], indirect=True)
def test_live_names_the_first_image_of_a_missing_folder(copy: Path) -> None:
    shutil.rmtree(copy / "gblur")
    assert message_of(LIVE(copy)) == (
        f"LIVE lacks 6 of 30 images, the first is 'gblur/img1.bmp' in '{copy}'. Unpack it there "
        f"from\n{LIVE.homepage}, or set data.root (now from data.root) to where it is."
    )


@pytest.mark.parametrize("copy", ["live"], indirect=True)
def test_live_needs_its_references_only_to_show_them(copy: Path) -> None:
    shutil.rmtree(copy / "refimgs")
    assert len(ready(LIVE(copy)).records) == 30
    assert message_of(LIVE(copy, pairs={"reference": Reference()})) == (
        f"LIVE lacks 6 of 36 images, the first is 'refimgs/Picture0.bmp' in '{copy}'. Unpack it "
        f"there from\n{LIVE.homepage}, or set data.root (now from data.root) to where it is."
    )


@pytest.mark.parametrize("copy", ["live"], indirect=True)
def test_live_counts_the_rows_of_its_label_files(copy: Path) -> None:
    path = write_mat(copy / "refnames_all.mat", refnames_all=["Picture1.bmp"] * 779)
    assert message_of(LIVE(copy)) == (
        f"'{path}' lists 779 images, but LIVE has 982. Restore the authors' file."
    )
    path = write_mat(copy / "dmos_realigned.mat", dmos_new=[1.0] * 981, orgs=[0.0] * 981)
    assert message_of(LIVE(copy)) == (
        f"'{path}' lists 981 images, but LIVE has 982. Restore the authors' file."
    )


@pytest.mark.parametrize("copy", ["live"], indirect=True)
def test_live_tells_one_label_file_from_the_other(copy: Path) -> None:
    path = copy / "dmos_realigned.mat"
    shutil.copy(copy / "dmos.mat", path)
    assert message_of(LIVE(copy)) == (
        f"'{path}' has no array 'dmos_new', its arrays are 'dmos, orgs'. "
        "Restore the authors' file."
    )


# What follows reads the real label files, where they lie next to the checkout.


@pytest.mark.parametrize("label", ["realigned", "raw"])
def test_the_real_live_labels_have_the_known_facts(shared_data: Path, label: str) -> None:
    data = LIVE(shared_data / "labels" / "live", label=label)  # type: ignore[arg-type]
    records = labels(data)
    scores = [record.mos for record in records]
    assert data.facts is not None
    facts = (data.facts.lowest, data.facts.highest, data.facts.mean)
    observed = (min(scores), max(scores), sum(scores) / len(scores))
    assert observed == pytest.approx(facts, abs=1e-4)
    if label == "realigned":
        assert observed == pytest.approx((-2.64, 111.7747, 48.5813), abs=1e-4)
    assert len({record.content for record in records}) == data.facts.contents == 29
    counts = Counter(record.distortion for record in records)
    assert [counts[folder] for folder in FOLDERS] == [169, 175, 145, 145, 145]
    assert len(records) == data.facts.images == 779
    lower, upper = data.mos_range
    assert lower <= min(scores) <= max(scores) <= upper


def test_the_rows_of_live_are_those_of_a_list_that_names_each_file(shared_data: Path) -> None:
    folder = shared_data / "labels" / "live"
    with (folder / "LIVE_langshujun.csv").open(newline="") as file:
        listed = {row["dis_image"]: row for row in csv.DictReader(file)}
    for record in labels(LIVE(folder, label="raw")):
        row = listed[f"{record.distortion}/{record.image.name}"]
        assert record.mos == pytest.approx(float(row["dmos"]), abs=1e-6)
        assert row["ref_image"].casefold() == f"refimgs/{record.content}.bmp"


def test_both_real_label_files_of_live_mark_the_same_originals(shared_data: Path) -> None:
    folder = shared_data / "labels" / "live"
    one, other = (scipy.io.loadmat(folder / f) for f in ("dmos.mat", "dmos_realigned.mat"))
    assert (one["orgs"] == other["orgs"]).all()
