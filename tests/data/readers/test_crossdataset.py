import re
from collections import Counter
from pathlib import Path

import pytest

from kdiqa.data.images.read import read_rgb
from kdiqa.data.readers.biq2021 import BIQ2021
from kdiqa.data.readers.crossdataset import CrossDataset
from kdiqa.data.readers.folder import Folder
from kdiqa.data.readers.kadid10k import KADID10k
from kdiqa.data.readers.live import LIVE
from kdiqa.data.readers.tid2013 import TID2013
from tests.fakes import picture, write
from tests.fakes.synthetic import write_kadid10k, write_tid2013


def crossed(fake_data: Path, **options: object) -> CrossDataset:
    """Returns TID2013 to train on and LIVE, whose scores fall with quality, to test on."""
    train_on, test_on = TID2013(fake_data / "tid2013"), LIVE(fake_data / "live")
    data = CrossDataset(train_on, test_on, **options)  # type: ignore[arg-type]
    data.setup()
    return data


def test_all_of_one_trains_and_selects_and_all_of_the_other_tests(fake_data: Path) -> None:
    data = crossed(fake_data)
    one, other = TID2013(fake_data / "tid2013").load(), LIVE(fake_data / "live").load()
    assert [r.image for r in data.records] == [r.image for r in [*one, *other]]
    assert data.positions("test") == list(range(len(one), len(one) + len(other)))
    sides = {
        (r.content, part) for r, part in zip(data.records, data.assignment.subsets, strict=True)
    }
    contents = Counter(part for _, part in sides)
    assert (contents["train"], contents["val"]) == (5, 1)
    assert contents["test"] == len({record.content for record in other})


def test_each_score_is_brought_to_one_scale_by_its_own_range_and_direction(
    fake_data: Path,
) -> None:
    data = crossed(fake_data)
    scores = {record.image: record.mos for record in data.records}
    for reader in (TID2013(fake_data / "tid2013"), LIVE(fake_data / "live")):
        assert all(scores[record.image] == record.mos for record in reader.load())
    assert data.label.lower_is_better is False
    assert (data.label.lower, data.label.upper) == (0.0, 1.0)


def test_the_index_of_a_batch_counts_in_the_joined_records(fake_data: Path) -> None:
    data = crossed(fake_data, batch_size=4)
    batch = next(iter(data.test_dataloader()))
    for index, mos in zip(batch["index"].tolist(), batch["mos"].tolist(), strict=True):
        assert data.assignment.subsets[index] == "test"
        assert data.records[index].mos == pytest.approx(mos)


def test_another_split_selects_by_another_content(fake_data: Path) -> None:
    parts = [crossed(fake_data, split=index).positions("val") for index in range(4)]
    assert len({tuple(part) for part in parts}) > 1


def test_contents_of_one_name_in_both_are_two(fake_data: Path) -> None:
    data = CrossDataset(TID2013(fake_data / "tid2013"), KADID10k(fake_data / "kadid10k"))
    data.setup()
    assert {r.content for r in data.records} >= {"tid2013/i01", "kadid10k/i01"}


def test_shared_photographs_are_told_and_left_out_of_training(tmp_path: Path) -> None:
    one, other = write_tid2013(tmp_path / "a"), write_kadid10k(tmp_path / "b")
    for i in range(2, 7):  # I01 stays the same photograph in both
        write(other / "images" / f"I{i:02d}.png", picture(50 + i))
    data = CrossDataset(TID2013(one), KADID10k(other), guard="warn")
    data.setup()
    (leak,) = data.check_leaks()
    assert (leak.here.content, leak.there.content) == ("tid2013/i01", "kadid10k/i01")
    data.guard = "drop"
    data.check_leaks()
    dropped = {
        data.records[i].content for i, p in enumerate(data.assignment.subsets) if p == "none"
    }
    assert dropped == {"tid2013/i01"}
    assert len(data.positions("test")) == len(KADID10k(other).load())


def test_a_reference_that_is_a_crop_of_another_data_sets_is_found(
    shared_data: Path, tmp_path: Path
) -> None:
    one, other = write_tid2013(tmp_path / "a"), write_kadid10k(tmp_path / "b")
    photograph = read_rgb(next((shared_data / "cid22_pristine").glob("*.png")))
    height, width = photograph.shape[:2]
    write(one / "reference_images" / "I02.BMP", photograph[: height // 2, width // 4 :])
    write(other / "images" / "I03.png", photograph)
    for i in (1, 2, 4, 5, 6):
        write(other / "images" / f"I{i:02d}.png", picture(50 + i))
    data = CrossDataset(TID2013(one), KADID10k(other), guard="warn")
    data.setup()
    assert [(leak.here.content, leak.there.content) for leak in data.check_leaks()] == [
        ("tid2013/i02", "kadid10k/i03")
    ]


def test_what_makes_no_sense_for_two_data_sets_is_refused(fake_data: Path) -> None:
    one, other = TID2013(fake_data / "tid2013"), BIQ2021(fake_data / "biq2021")
    message = (
        "Two data sets have no root or stored split in common. Set data.train_on.root and "
        "data.test_on.root, and data.stored_split=null."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        CrossDataset(one, other, root=fake_data)
    message = (
        "TID2013 and BIQ2021 have scales of their own for scores. Set data.label_scale: "
        "unit or zscore."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        CrossDataset(one, other, label_scale="raw")
    message = (
        f"Training and test set are one: '{(fake_data / 'tid2013').resolve()}'. Set "
        "data.test_on.root to another, or train with data=tid2013, which splits it."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        CrossDataset(one, TID2013(fake_data / "tid2013")).setup()


def test_a_missing_half_is_told_by_its_own_name(fake_data: Path, tmp_path: Path) -> None:
    data = CrossDataset(TID2013(fake_data / "tid2013"), KADID10k(tmp_path / "none"))
    message = (
        f"KADID10k not found in '{tmp_path / 'none'}'. Unpack it there from\n{KADID10k.homepage}, or"
        " set data.test_on.root (now from data.test_on.root) to where it is."
    )
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        data.setup()


def test_files_of_one_name_in_both_have_names_of_their_own(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_tid2013(one)
    shared = sorted(path.name for path in (one / "distorted_images").iterdir())[:3]
    for number, name in enumerate([*shared, "own.png"]):
        write(other / "deep" / name, picture(50 + number))
    rows = [f"deep/{name},{number}" for number, name in enumerate([*shared, "own.png"])]
    (other / "labels.csv").write_text("\n".join(["image,mos", *rows]) + "\n")
    data = CrossDataset(TID2013(one), Folder(other, upper=5), guard="warn")
    data.setup()
    names = [record.name for record in data.records]
    assert len({name.casefold() for name in names}) == len(names)
    assert names[-4:] == [*(f"test/deep/{name}" for name in shared), "own.png"]
    assert {f"train/distorted_images/{name}" for name in shared} <= set(names)
    assert sum("/" in name for name in names) == 6  # the others keep theirs
