import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kdiqa.data.crops import Crops
from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.images.read import ImageReadError
from kdiqa.data.pairs.pairing import Redistorted, Reference
from kdiqa.data.pairs.pool import Pool
from kdiqa.data.readers.biq2021 import BIQ2021
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.record import Record
from kdiqa.data.source import BrokenImagesError, DatasetNotFoundError
from tests.fakes import noisy

SMALL: dict[str, Any] = {"train_crops": Crops(2, 16), "test_crops": Crops(2, 16), "batch_size": 4}
BIQ_PAGE, TID_PAGE = BIQ2021.homepage, TID2013.homepage


@pytest.fixture
def tid(fake_data: Path, tmp_path: Path) -> Path:
    """Returns a copy of TID2013 that a test may spoil."""
    return Path(shutil.copytree(fake_data / "tid2013", tmp_path / "tid2013"))


def ready(data: IQADataModule) -> IQADataModule:
    data.setup()
    return data


def refused(error: type[Exception], message: str, data: IQADataModule) -> None:
    """Asserts that ``setup`` ends in a message, word for word and under three lines."""
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        data.setup()
    assert message.count("\n") < 3


def test_after_setup_all_records_have_a_unit_score_and_a_part(fake_data: Path) -> None:
    data = ready(TID2013(fake_data / "tid2013", **SMALL))
    assert len(data.records) == len(data.assignment.subsets) == 36
    assert all(0 <= record.mos <= 1 for record in data.records)
    places = [place for part in ("train", "val", "test") for place in data.positions(part)]
    assert sorted(places) == list(range(36))
    assert re.fullmatch("[0-9a-f]{64}", data.digest)


def test_batches_index_into_the_records(fake_data: Path) -> None:
    data = ready(TID2013(fake_data / "tid2013", pairs={"reference": Reference()}, **SMALL))
    loaders = {
        "train": data.train_dataloader(),
        "val": data.val_dataloader(),
        "test": data.test_dataloader(),
    }
    for part, loader in loaders.items():
        batches = list(loader)
        index = torch.cat([batch["index"] for batch in batches])
        assert sorted(index.tolist()) == data.positions(part)
        mos = torch.cat([batch["mos"] for batch in batches])
        expected = torch.tensor([data.records[place].mos for place in index])
        torch.testing.assert_close(mos, expected)
        assert batches[0]["image"].shape == batches[0]["reference"].shape == (4, 2, 3, 16, 16)


def test_training_is_shuffled_anew_in_every_epoch_and_evaluation_never(fake_data: Path) -> None:
    data = ready(TID2013(fake_data / "tid2013", **SMALL))
    for loader, changes in [(data.train_dataloader(), True), (data.test_dataloader(), False)]:
        orders = []
        for epoch in (0, 1):
            loader.sampler.set_epoch(epoch)
            orders.append([place for batch in loader for place in batch["index"].tolist()])
        assert sorted(orders[0]) == sorted(orders[1])
        assert (orders[0] != orders[1]) == changes


def test_setup_reads_once_whatever_the_stage(fake_data: Path) -> None:
    data = ready(TID2013(fake_data / "tid2013", **SMALL))
    records = data.records
    data.setup("test")
    assert data.records is records


def test_split_and_seed_are_two_knobs(fake_data: Path) -> None:
    root = fake_data / "tid2013"
    base, seed, split = (
        ready(TID2013(root, **SMALL, **knob)) for knob in ({}, {"seed": 1}, {"split": 1})
    )
    assert base.digest == seed.digest != split.digest
    place = base.positions("train")[0]
    assert not torch.equal(base.dataset("train")[0]["image"], seed.dataset("train")[0]["image"])
    assert base.records[place] == seed.records[place] == split.records[place]


@pytest.mark.parametrize("scale", ["unit", "raw", "zscore"])
def test_what_is_learned_comes_back_as_the_unit_score(fake_data: Path, scale: Any) -> None:
    data = ready(TID2013(fake_data / "tid2013", label_scale=scale, **SMALL))
    mos = np.array(
        [float(data.dataset("train")[i]["mos"]) for i in range(len(data.dataset("train")))]
    )
    unit = [data.records[place].mos for place in data.positions("train")]
    np.testing.assert_allclose(data.label.to_unit(mos), unit, atol=1e-6)
    if scale == "raw":
        assert 2.5 <= mos.min() < mos.max() <= 6.1
    if scale == "zscore":
        assert abs(mos.mean()) < 1e-6
        assert abs(mos.std() - 1) < 1e-6


def test_a_fraction_leaves_out_training_images_alone(fake_data: Path) -> None:
    root = fake_data / "biq2021"
    full, half = (ready(BIQ2021(root, fraction=f, **SMALL)) for f in (1.0, 0.5))
    assert len(full.positions("train")) == 18
    assert len(half.positions("train")) == 9
    assert set(half.positions("train")) < set(full.positions("train"))
    for part in ("val", "test"):
        assert half.positions(part) == full.positions(part)


def test_what_only_a_teacher_sees_is_read_in_training_alone(fake_data: Path) -> None:
    options = {"pairs": {"none": None}, "teacher_pairs": {"reference": Reference()}}
    data = ready(TID2013(fake_data / "tid2013", **options, **SMALL))
    assert set(next(iter(data.train_dataloader()))) == {"image", "reference", "mos", "index"}
    assert set(next(iter(data.val_dataloader()))) == {"image", "mos", "index"}


def test_the_last_batch_is_left_out_in_training_alone(fake_data: Path) -> None:
    options = SMALL | {"batch_size": 5}
    data = ready(TID2013(fake_data / "tid2013", drop_last=True, **options))
    sizes = [
        [len(batch["index"]) for batch in loader]
        for loader in (data.train_dataloader(), data.test_dataloader())
    ]
    assert sizes == [[5, 5, 5, 5], [5, 1]]


def test_whole_images_come_one_by_one(fake_data: Path) -> None:
    test_crops = Crops(1, None, "full")
    options = SMALL | {"test_crops": test_crops}
    data = ready(TID2013(fake_data / "tid2013", **options))
    batch = next(iter(data.test_dataloader()))
    assert batch["image"].shape == (1, 1, 3, 48, 64)


def test_the_environment_names_the_folder_of_all_data_sets(
    fake_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_DATA", str(fake_data))
    assert len(ready(TID2013(**SMALL)).records) == 36


def test_no_folder_at_all_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KDIQA_DATA", raising=False)
    refused(
        DatasetNotFoundError,
        f"TID2013 has no folder: data.root is not set. Unpack it from {TID_PAGE}\nand set "
        "data.root=/path/to/tid2013, or KDIQA_DATA in the environment to the folder that holds "
        "tid2013.",
        TID2013(),
    )


def test_a_wrong_folder_is_told_with_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDIQA_DATA", "/nowhere")
    for data, source in [(TID2013(), "KDIQA_DATA"), (TID2013("/nowhere/tid2013"), "data.root")]:
        refused(
            DatasetNotFoundError,
            f"TID2013 not found in '/nowhere/tid2013'. Unpack it there from\n{TID_PAGE}, or set "
            f"data.root (now from {source}) to where it is.",
            data,
        )


def test_a_missing_label_file_is_refused(fake_data: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fake_data / "biq2021", tmp_path / "biq2021"))
    (root / "Test (Images and MOS).csv").unlink()
    refused(
        DatasetNotFoundError,
        f"BIQ2021 lacks 'Test (Images and MOS).csv' in '{root}'. Unpack it there from\n{BIQ_PAGE}, "
        "or set data.root (now from data.root) to where it is.",
        BIQ2021(root),
    )


def test_missing_images_are_counted_and_the_first_is_named(tid: Path) -> None:
    for name in ("i02_01_1.bmp", "i03_08_2.bmp"):
        (tid / "distorted_images" / name).unlink()
    (tid / "reference_images" / "I04.BMP").unlink()
    message = (
        ("TID2013 lacks {} images, the first is 'distorted_images/i02_01_1.bmp' in '" + str(tid))
        + f"'. Unpack it there from\n{TID_PAGE}, or set data.root (now from data.root) to where it is."
    )
    refused(DatasetNotFoundError, message.format("2 of 36"), TID2013(tid))
    paired = TID2013(tid, pairs={"reference": Reference()})
    refused(DatasetNotFoundError, message.format("3 of 42"), paired)


def test_cut_images_are_counted_and_the_first_are_named(tid: Path) -> None:
    for name in ("i02_01_1.bmp", "i02_01_2.bmp", "i02_01_3.bmp", "i03_08_2.bmp"):
        path = tid / "distorted_images" / name
        path.write_bytes(path.read_bytes()[:5000])
    path.write_bytes(b"")
    fault = "BMP cut short, 5000 of 9270 bytes"
    refused(
        BrokenImagesError,
        f"4 image files of TID2013 in '{tid}' cannot be read: 'distorted_images/i02_01_1.bmp' "
        f"({fault}), 'distorted_images/i02_01_2.bmp' ({fault}), 'distorted_images/i02_01_3.bmp' "
        f"({fault}), ….\nUnpack them again from {TID_PAGE}",
        TID2013(tid),
    )


def test_an_image_damaged_in_the_middle_stops_training_by_its_name(
    fake_data: Path, tmp_path: Path
) -> None:
    from kdiqa.data.readers.kadid10k import KADID10k

    root = Path(shutil.copytree(fake_data / "kadid10k", tmp_path / "kadid10k"))
    data = ready(KADID10k(root, **SMALL))
    path = data.records[data.positions("train")[3]].image
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 0x10
    path.write_bytes(damaged)
    data = ready(KADID10k(root, **SMALL))
    message = f"Cannot read the image '{path}': broken data stream when reading image file. Unpack that file again."
    with pytest.raises(ImageReadError, match=f"^{re.escape(message)}$"):
        list(data.train_dataloader())


def test_a_reference_missing_in_the_labels_is_refused_before_any_file_is_opened(
    fake_data: Path,
) -> None:
    refused(
        ValueError,
        "26 of 26 images have no reference, the first is 'ss01 (0).jpg'. Take a data set with "
        "references\n(data=tid2013, data=kadid10k), or pair by kdiqa.data.pairs.pairing.Redistorted, "
        "which needs none.",
        BIQ2021(fake_data / "biq2021", pairs={"reference": Reference()}),
    )


def test_too_few_contents_for_a_split_are_refused(tid: Path) -> None:
    labels = tid / "mos_with_names.txt"
    labels.write_text("".join(labels.read_text().splitlines(keepends=True)[:12]))
    refused(
        ValueError,
        "12 images of 2 contents, split by content, leave a subset empty: 6 train, 6 val, 0 test.\n"
        "Add images, or set data.split_by or data.ratios (now [0.7, 0.1, 0.2]) so that each subset "
        "has some.",
        TID2013(tid),
    )


def test_scores_outside_the_declared_range_are_refused(tid: Path) -> None:
    labels = tid / "mos_with_names.txt"
    labels.write_text(labels.read_text().replace("5.6", "56."))
    refused(
        ValueError,
        f"TID2013 has scores from 0 to 9, but in '{tid}' 2 of 36 lie outside: from 56 to "
        f"56.\nRestore the authors' label file, from {TID_PAGE}",
        TID2013(tid),
    )


def test_an_empty_label_file_is_refused(tid: Path) -> None:
    (tid / "mos_with_names.txt").write_text("\n")
    refused(
        ValueError,
        f"TID2013 has scores from 0 to 9, but in '{tid}' there are none at all.\n"
        f"Restore the authors' label file, from {TID_PAGE}",
        TID2013(tid),
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"train_crops": Crops(1, None, "full")},
            "Whole images differ in size and cannot train in batches of 16. Set "
            "data.train_crops.size=224, or data.batch_size=1.",
        ),
        (
            {"pairs": {"second": Pool("x", crops=Crops(5, 224))}},
            "data.pairs.second.crops gives 5 crops of 224 pixels, but the images have 1 of 224. Give both the "
            "same num and size.",
        ),
        (
            {"fraction": 0.0},
            "The share of the training images is 0. Set data.fraction to more than 0 and at most 1.",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        TID2013("x", **options)


def test_a_data_set_of_dmos_is_turned_round(tid: Path) -> None:
    class Falling(TID2013):
        lower_is_better = True

    rising, falling = ready(TID2013(tid)), ready(Falling(tid))
    for one, other in zip(rising.records, falling.records, strict=True):
        assert one.mos + other.mos == pytest.approx(1)


def test_a_reader_of_ones_own_needs_a_dozen_lines(tmp_path: Path, fake_data: Path) -> None:
    class Mine(IQADataModule):
        name = "mine"
        mos_range = (0.0, 10.0)
        homepage = "https://example.org"
        licence = "my own"
        split_by = "image"

        def read(self) -> Iterator[Record]:
            for i in range(10):
                image = f"I0{i % 6 + 1}_{1 if i < 6 else 11:02d}_01.png"
                yield Record(self.files.path(f"images/{image}"), i, str(i))

    class Noise:
        description = "noise"

        def __call__(self, image: np.ndarray, seed: int) -> np.ndarray:
            return noisy(image, 30, seed)

    pairs = {"second": Redistorted(Noise(), cache=tmp_path / "cache")}
    data = ready(Mine(fake_data / "kadid10k", ratios=(0.5, 0.2, 0.3), pairs=pairs, **SMALL))
    batch = next(iter(data.train_dataloader()))
    assert batch["second"].shape == (4, 2, 3, 16, 16)
    assert len(list((tmp_path / "cache").iterdir())) == 4
