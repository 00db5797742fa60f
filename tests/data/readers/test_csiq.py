import shutil
from collections import Counter
from pathlib import Path

import pytest

from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.pairing import Reference
from kdiqa.data.readers.csiq import CSIQ
from tests.data.reading import labels, message_of, ready
from tests.fakes import write_xlsx

KINDS = ["awgn", "blur", "contrast", "fnoise", "jpeg", "jpeg2000"]


def as_text(root: Path) -> None:
    """Replaces the workbook of a copy by the repack's list."""
    lines = [f"{r.image.name} {r.mos:.6f}\n" for r in labels(CSIQ(root))]
    (root / "csiq.DMOS.xlsx").unlink()
    (root / "csiq_label.txt").write_text("".join(lines))


def test_csiq_names_files_as_they_are_and_not_as_the_workbook_does(fake_data: Path) -> None:
    records = labels(CSIQ(fake_data / "csiq"))
    assert len(records) == 5 * 6 * 2
    assert [record.image.name for record in records[:12:2]] == [
        *("1600.AWGN.1.png", "1600.BLUR.1.png", "1600.contrast.1.png"),
        *("1600.fnoise.1.png", "1600.JPEG.1.png", "1600.jpeg2000.1.png"),
    ]
    assert [record.distortion for record in records[:12:2]] == KINDS
    assert all(record.image.parent.name == record.distortion for record in records)
    assert Counter(record.level for record in records) == {1: 30, 4: 30}
    assert all(record.image.is_file() for record in records)
    assert all(record.reference.is_file() for record in records if record.reference)


def test_csiq_scores_fall_with_quality(fake_data: Path) -> None:
    data = ready(CSIQ(fake_data / "csiq", pairs={"reference": Reference()}))
    assert data.records[0].mos == pytest.approx(1 - 0.2)
    assert data.records[0].mos > data.records[1].mos  # level 1 looks better than level 4
    assert {record.content for record in data.records} == {"1600", "boston", "elk", "fox", "lake"}


@pytest.mark.parametrize("copy", ["csiq"], indirect=True)
@pytest.mark.parametrize("folder", ["dst_imgs", "dst_imgs_all"])
def test_csiq_may_have_a_list_and_all_images_in_one_folder(copy: Path, folder: str) -> None:
    before = ready(CSIQ(copy))
    as_text(copy)
    files = sorted((copy / "dst_imgs").rglob("*.png"))
    (copy / folder).mkdir(exist_ok=True)
    for file in files:
        file.rename(copy / folder / file.name)
    after = ready(CSIQ(copy))
    assert after.digest == before.digest
    assert {record.image.parent.name for record in after.records} == {folder}


@pytest.mark.parametrize("copy", ["csiq"], indirect=True)
def test_csiq_may_have_a_list_and_folders_in_capitals(copy: Path) -> None:
    before = ready(CSIQ(copy))
    as_text(copy)
    for folder in (copy / "dst_imgs").iterdir():
        folder.rename(folder.with_name(folder.name.upper()))
    after = ready(CSIQ(copy))
    assert after.digest == before.digest


@pytest.mark.parametrize("copy", ["csiq"], indirect=True)
def test_csiq_needs_its_references_only_to_show_them(copy: Path) -> None:
    shutil.rmtree(copy / "src_imgs")
    assert len(ready(CSIQ(copy)).records) == 60
    assert message_of(CSIQ(copy, pairs={"reference": Reference()})) == (
        f"CSIQ lacks 5 of 65 images, the first is 'src_imgs/1600.png' in '{copy}'. Unpack it "
        f"there from\n{CSIQ.homepage}, or set data.root (now from data.root) to where it is."
    )


@pytest.mark.parametrize("copy", ["csiq"], indirect=True)
def test_csiq_names_the_first_image_of_a_missing_folder(copy: Path) -> None:
    shutil.rmtree(copy / "dst_imgs" / "jpeg")
    assert message_of(CSIQ(copy)) == (
        f"CSIQ lacks 10 of 60 images, the first is 'dst_imgs/jpeg/1600.JPEG.1.png' in '{copy}'. "
        f"Unpack it there from\n{CSIQ.homepage}, or set data.root (now from data.root) to where "
        "it is."
    )


def test_csiq_names_the_workbook_where_it_has_no_label_file(tmp_path: Path) -> None:
    assert message_of(CSIQ(tmp_path)) == (
        f"CSIQ lacks 'csiq.DMOS.xlsx' in '{tmp_path}'. Unpack it there from\n"
        "https://s2.smu.edu/~eclarson/csiq.html, or set data.root (now from data.root) to where "
        "it is."
    )


def test_csiq_names_the_sheet_it_wants(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "csiq.DMOS.xlsx", [("image", "dmos")], "Sheet1")
    assert message_of(CSIQ(tmp_path)) == (
        f"'{path}' has no sheet 'all_by_image', its sheets are 'Sheet1'. "
        "Restore the authors' file."
    )


@pytest.mark.parametrize("name", ["elk.png", "elk.haze.1.png", "elk.BLUR.x.png"])
def test_csiq_tells_the_line_of_a_name_that_is_made_otherwise(tmp_path: Path, name: str) -> None:
    path = tmp_path / "csiq_label.txt"
    path.write_text(f"elk.BLUR.1.png 0.5\n\n{name} 0.5\n")
    assert message_of(CSIQ(tmp_path)) == (
        f"'{path}', line 3: {name!r} is not named content.distortion.level.png, with a distortion "
        "of\nawgn, blur, contrast, fnoise, jpeg, jpeg2000. Restore the authors' file."
    )


@pytest.mark.parametrize("text", ["", "high", "0.5 0.1"])
def test_csiq_tells_the_line_of_what_is_no_score(tmp_path: Path, text: str) -> None:
    path = tmp_path / "csiq_label.txt"
    path.write_text(f"elk.BLUR.1.png {text}\n")
    assert message_of(CSIQ(tmp_path)) == (
        f"'{path}', line 1: {text!r} is no score. Restore the authors' file."
    )


# What follows reads real label files and images, where they lie next to the checkout.


@pytest.mark.parametrize("file", ["csiq.beta.xlsx", "csiq_label.txt"])
def test_the_real_csiq_labels_have_the_known_facts(
    shared_data: Path, tmp_path: Path, file: str
) -> None:
    shutil.copy(shared_data / "labels" / "csiq" / file, tmp_path)
    records = labels(CSIQ(tmp_path))
    scores = [record.mos for record in records]
    assert len(records) == CSIQ.facts.images == 866
    observed = (min(scores), max(scores), sum(scores) / len(scores))
    assert observed == pytest.approx((0.0, 1.0, 0.3507), abs=1e-4)
    assert observed == pytest.approx(
        (CSIQ.facts.lowest, CSIQ.facts.highest, CSIQ.facts.mean), abs=1e-4
    )
    counts = Counter(record.distortion for record in records)
    assert counts == dict.fromkeys(KINDS, 150) | {"contrast": 116}
    contents = {record.content for record in records}
    assert len(contents) == CSIQ.facts.contents == 30
    assert "1600" in contents
    assert {record.level for record in records} == {1, 2, 3, 4, 5}


def test_the_real_workbook_of_csiq_and_the_repacks_list_agree(
    shared_data: Path, tmp_path: Path
) -> None:
    root = shared_data / "labels" / "csiq"
    workbook = {record.image.name: record for record in labels(CSIQ(root))}
    shutil.copy(root / "csiq_label.txt", tmp_path)
    listed = {record.image.name: record for record in labels(CSIQ(tmp_path))}
    assert workbook.keys() == listed.keys()
    for name, record in workbook.items():
        assert record.mos == pytest.approx(listed[name].mos, abs=1e-6)
        assert (record.content, record.level) == (listed[name].content, listed[name].level)


def test_the_real_csiq_images_are_found_and_the_others_are_missed(shared_data: Path) -> None:
    root = shared_data / "minis" / "csiq"
    present = [record.image for record in labels(CSIQ(root)) if record.image.exists()]
    assert len(present) == 10
    assert {read_rgb(path).shape for path in present} == {(512, 512, 3)}
    assert message_of(CSIQ(root)) == (
        "CSIQ lacks 856 of 866 images, the first is 'dst_imgs/awgn/aerial_city.AWGN.1.png' in "
        f"'{root}'. Unpack it there from\n{CSIQ.homepage}, or set data.root (now from data.root) "
        "to where it is."
    )
