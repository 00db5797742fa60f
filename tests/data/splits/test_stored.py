import pickle
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.csiq import CSIQ
from kdiqa.data.readers.kadid10k import KADID10k
from kdiqa.data.readers.koniq10k import KonIQ10k
from kdiqa.data.readers.live import LIVE
from kdiqa.data.readers.livec import LIVEChallenge
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.record import Record, uniquely_named
from kdiqa.data.splits.pyiqa import PyiqaColumn, PyiqaPickle
from kdiqa.data.splits.split import Assignment, Split, digest
from kdiqa.data.splits.stored import ArniqaNpy, LiqeTxt, SplitTable, StoredSplit
from tests.data.labels import real_records
from tests.fakes import write_csv
from tests.runs import composed

RECORDS = [
    Record(Path(f"images/i{content}_{level}.png"), 0.5, f"i{content}", distortion="x", level=level)
    for content in range(5)
    for level in range(4)
]
PARTS = ["train"] * 8 + ["val"] * 4 + ["test"] * 8
ROWS = {
    part: [i for i, name in enumerate(PARTS) if name == part] for part in ("train", "val", "test")
}
NAMES = [record.name for record in RECORDS]
CSIQ_ORDER = ("awgn", "jpeg", "jpeg2000", "fnoise", "blur", "contrast")


def write_npy(folder: Path, rows: dict[str, list[int]], folds: int = 2) -> Path:
    folder.mkdir(exist_ok=True)
    for part, places in rows.items():
        np.save(folder / f"{part}.npy", np.array([[*places, -1, -1]] * folds))
    return folder


def write_table(path: Path, column: str = "split", name: str = "image") -> Path:
    return write_csv(path, [(name, column), *zip(NAMES, PARTS, strict=True)])


def write_pickle(path: Path, folds: object) -> Path:
    path.write_bytes(pickle.dumps(folds))
    return path


def refused(split: StoredSplit, message: str, index: int = 0) -> None:
    full = f"The stored split '{split.path}' {message}"
    with pytest.raises(ValueError, match=f"^{re.escape(full)}$"):
        split.assign(RECORDS, index)
    assert full.count("\n") <= 2


def test_each_kind_gives_the_parts_that_it_stores(tmp_path: Path) -> None:
    liqe = tmp_path / "liqe" / "2"
    liqe.mkdir(parents=True)
    for part, places in ROWS.items():
        lines = [f"Images/{NAMES[place].upper()}\t0.5\tblur\n" for place in places]
        (liqe / f"x_{part}_clip.txt").write_text("".join(lines))
        (liqe / f"other_{part}.txt").write_text("of another data set\n")
    meta = write_table(tmp_path / "meta.csv", "ratio802_seed123_split_02", "dist_name")
    kinds: list[StoredSplit] = [
        SplitTable(write_table(tmp_path / "own.csv")),
        ArniqaNpy(write_npy(tmp_path / "npy", ROWS)),
        LiqeTxt(tmp_path / "liqe"),
        PyiqaPickle(write_pickle(tmp_path / "x.pkl", {1: {}, 2: ROWS}), meta),
        PyiqaColumn(meta),
    ]
    assert [split.assign(RECORDS, 1) for split in kinds] == [PARTS] * 5


def test_both_spellings_of_a_column_are_read(tmp_path: Path) -> None:
    meta = write_table(tmp_path / "meta.csv", "ratio802_seed123_split01", "img_name")
    assert PyiqaColumn(meta).assign(RECORDS, 0) == PARTS


def test_rows_of_training_images_are_skipped_where_a_pickle_does_not_count_them(
    tmp_path: Path,
) -> None:
    names = [("img_name", "mos"), *((f"t{i}.bmp", 1) for i in range(7))]
    meta = write_csv(tmp_path / "meta.csv", [*names, *((name, 1) for name in NAMES)])
    split = PyiqaPickle(write_pickle(tmp_path / "x.pkl", {1: ROWS}), meta, skip=7)
    assert split.assign(RECORDS, 0) == PARTS


def test_a_held_out_val_is_tested_and_val_is_carved_from_train_by_content(
    tmp_path: Path,
) -> None:
    meta = write_table(tmp_path / "meta.csv", name="img_name")
    rows = {"train": ROWS["train"] + ROWS["val"], "val": ROWS["test"], "test": []}
    split = PyiqaPickle(write_pickle(tmp_path / "x.pkl", {1: rows}), meta)
    parts = Split(0).completed(RECORDS, split.assign(RECORDS, 0))
    assert parts[12:] == ["test"] * 8
    assert Counter(parts) == {"train": 8, "val": 4, "test": 8}
    assert len({(r.content, part) for r, part in zip(RECORDS, parts, strict=True)}) == 5


def test_what_a_run_writes_is_read_back(tmp_path: Path) -> None:
    parts = Split(3).assign(RECORDS)
    Assignment.of(RECORDS, parts).write(tmp_path / "split.csv")
    again = SplitTable(tmp_path / "split.csv").assign(RECORDS[::-1], 0)[::-1]
    assert digest(RECORDS, again) == digest(RECORDS, parts)


def test_a_pickle_that_names_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    split = PyiqaPickle(write_pickle(tmp_path / "x.pkl", Bomb()), tmp_path)
    refused(
        split,
        "cannot be read as folds of rows: it wants to import builtins.exec.\n"
        "Plain dicts and lists of numbers are read, and nothing that could run code.",
    )
    assert not (tmp_path / "ran").exists()


def test_lists_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    def npy(**rows: list[int]) -> ArniqaNpy:
        return ArniqaNpy(write_npy(tmp_path / "npy", ROWS | rows))

    refused(
        npy(test=[12, 20]),
        "asks for image 20, and there are 20, from 0 on.\n"
        "It is of another data set, or of another list of its images.",
    )
    refused(
        npy(test=[*range(12, 20), 0]),
        "puts 'i0_0.png' into train and test.\nTake the file from its authors again.",
    )
    refused(
        npy(test=[*range(13, 20)]),
        "does not list 1 of 20 images, the first is 'i3_0.png'.\n"
        "Set data.stored_split.partial=true to leave them out.",
    )
    refused(npy(), "has 2 folds and not number 2.\nSet split to one from 0 to 1.", 2)
    (tmp_path / "npy" / "val.npy").unlink()
    refused(
        ArniqaNpy(tmp_path / "npy"), "has no 'val.npy'.\nCopy all three files of ARNIQA's folder."
    )


def test_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    table = SplitTable(path)
    write_csv(path, [("image", "split"), ("i9_0.png", "test")])
    refused(table, "lists 'i9_0.png', which is not in the data set.\nIt is of another data set.")
    write_csv(path, [("image", "split"), ("i0_0.png", "validate")])
    refused(table, "puts 'i0_0.png' into 'validate'.\nA subset is train, val, test or none.")
    write_csv(path, [("image", "part"), ("i0_0.png", "test")])
    refused(
        table,
        "has no columns image and split, its columns are image, part.\n"
        "Write a table with the columns image and split.",
    )
    write_csv(path, [("img_name", "official_split"), ("i0_0.png", "test")])
    refused(
        PyiqaColumn(path),
        "has no column 'ratio802_seed123_split_01', its columns are img_name, official_split.\n"
        "Set data.stored_split.column to one of them, or split to a fold that is there.",
    )
    namesakes = uniquely_named([Record(Path(f"{f}/img1.bmp"), 0.5, f) for f in "ab"], Path())
    write_csv(path, [("image", "split"), ("img1.bmp", "test")])
    message = (
        f"The stored split '{path}' lists 'img1.bmp', which may be 2 images.\n"
        "Write each image with its folder, as in jpeg/img1.bmp."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        table.assign(namesakes, 0)


def test_pickles_and_folders_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    meta = write_table(tmp_path / "meta.csv", name="img_name")
    path = write_pickle(tmp_path / "x.pkl", {1: {"train": [20]}})
    refused(
        PyiqaPickle(path, meta), "has the folds 1 and not 2.\nSet split to one from 0 to 0.", 1
    )
    refused(
        PyiqaPickle(path, meta),
        f"asks for row 20 and '{meta}' has 20, from 0 on.\n"
        "Set data.stored_split.meta_info to the table it was made with.",
    )
    refused(
        LiqeTxt(tmp_path),
        "has 0 files '1/*_train_clip.txt', not one.\n"
        "Set data.stored_split.path to LIQE's folder of one data set (splits2).",
    )
    refused(
        ArniqaNpy(write_npy(tmp_path / "npy", ROWS), order=CSIQ_ORDER),
        "is ordered by awgn, jpeg, jpeg2000, fnoise, blur, contrast, and an image's distortion is "
        "'x'.\nSet data.stored_split.order to all distortions, in the list's order.",
    )
    message = (
        f"No stored split at '{tmp_path / 'none'}'. Set data.stored_split.path to where it is, or "
        "data/stored_split=[] for a split of our own."
    )
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        SplitTable(tmp_path / "none").assign(RECORDS, 0)


def test_a_data_module_takes_a_stored_split_and_carves_val(
    fake_data: Path, tmp_path: Path
) -> None:
    own = TID2013(fake_data / "tid2013")
    own.setup()
    parts = ["test" if part == "test" else "train" for part in own.assignment.subsets]
    Assignment.of(own.records, parts).write(tmp_path / "split.csv")
    data = TID2013(fake_data / "tid2013", stored_split=SplitTable(tmp_path / "split.csv"))
    data.setup()
    assert data.positions("test") == own.positions("test")
    sides = {
        (r.content, part) for r, part in zip(data.records, data.assignment.subsets, strict=True)
    }
    assert Counter(part for _, part in sides) == {"train": 4, "val": 1, "test": 1}


@pytest.mark.parametrize("choice", ["table", "arniqa", "liqe", "pyiqa_column"])
def test_a_stored_split_is_chosen_on_the_command_line(choice: str, tmp_path: Path) -> None:
    cfg = composed(
        "data=csiq", f"data/stored_split={choice}", "data.stored_split.path=/x", folder=tmp_path
    )
    split = instantiate(cfg.data.stored_split)
    assert isinstance(split, StoredSplit)
    assert split.path == Path("/x")


@pytest.mark.parametrize(
    ("kind", "folder", "order", "counts"),
    [
        (LIVE, "LIVE", None, (538, 81, 160)),
        (CSIQ, "CSIQ", CSIQ_ORDER, (607, 87, 172)),
        (TID2013, "TID2013", None, (2160, 240, 600)),
        (KADID10k, "KADID10K", None, (7125, 1000, 2000)),
        (KonIQ10k, "KonIQ-10k", None, (7051, 1007, 2015)),
        (LIVEChallenge, "CLIVE", None, (813, 117, 232)),
    ],
)
def test_arniqas_splits_keep_contents_together_and_have_their_counts(
    kind: type[IQADataModule],
    folder: str,
    order: tuple[str, ...] | None,
    counts: tuple[int, int, int],
    shared_data: Path,
    tmp_path: Path,
) -> None:
    records = real_records(kind, shared_data, tmp_path)
    split = ArniqaNpy(shared_data / "labels" / "arniqa_splits" / folder / "splits", order)
    contents = len({record.content for record in records})
    folds = [split.assign(records, index) for index in range(10)]
    for parts in folds:
        assert len({(r.content, p) for r, p in zip(records, parts, strict=True)}) == contents
    assert tuple(folds[0].count(part) for part in ("train", "val", "test")) == counts


def test_another_order_than_arniqas_tears_contents_apart(
    shared_data: Path, tmp_path: Path
) -> None:
    records = sorted(real_records(CSIQ, shared_data, tmp_path), key=lambda record: record.name)
    parts = ArniqaNpy(shared_data / "labels/arniqa_splits/CSIQ/splits").assign(records, 0)
    assert len({(r.content, p) for r, p in zip(records, parts, strict=True)}) > 30
    ordered = ArniqaNpy(shared_data / "labels/arniqa_splits/CSIQ/splits", CSIQ_ORDER)
    parts = ordered.assign(records, 0)
    assert len({(r.content, p) for r, p in zip(records, parts, strict=True)}) == 30


def test_arniqas_flive_leaves_three_images_out(shared_data: Path) -> None:
    records = [Record(Path(f"{i}.jpg"), 0.5, str(i)) for i in range(39810)]
    split = ArniqaNpy(shared_data / "labels/arniqa_splits/FLIVE/splits", partial=True)
    parts = Counter(split.assign(records, 0))
    assert parts == {"train": 30253, "val": 7727, "test": 1827, "none": 3}
