"""What a finished run's folder holds is on the board: read back from an offline run's file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wandb
from PIL import Image

from kdiqa.board import panels
from tests.board.records import Board
from tests.fakes import picture, write

KINDS = ("blur", "jpeg", "noise")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a run folder with 36 test rows of three distortions, and its images below."""
    folder = tmp_path_factory.mktemp("panels")
    draw = np.random.default_rng(0)
    mos = draw.uniform(size=36)
    rows = pd.DataFrame(
        {
            "index": range(36),
            "id": [f"{i:02d} ü.png" for i in range(36)],
            "content": "c",
            "distortion": np.tile(KINDS, 12),
            "level": 1 + np.arange(36) % 5,
            "split": "test",
            "mos": mos,
            "score": mos + 0.1 * draw.normal(size=36),
        }
    )
    for i, name in enumerate(rows["id"]):
        write(folder / "images" / name, picture(i, 40, 300))
    (folder / "predictions").mkdir()
    rows.to_csv(folder / "predictions" / "test.csv", index=False)
    rows.to_csv(folder / "predictions" / "val.csv", index=False)
    teacher = rows.assign(score=4 + 5 * rows["mos"])  # on a scale of its own
    teacher.to_csv(folder / "predictions" / "teacher_val.csv", index=False)
    weights = {f"train/weight_level{i}": [0.25, 0.2 + 0.02 * i] for i in range(4)}
    pd.DataFrame({"epoch": [0, 1]} | weights).to_csv(folder / "metrics.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def board(folder: Path) -> Board:
    (folder / "images" / "07 ü.png").write_bytes(b"gone bad")
    run = wandb.init(project="kdiqa", dir=str(folder), mode="offline", reinit="create_new")
    panels.summarise(
        run, {"metrics": {"test": {"srcc": 0.9}, "val": {"srcc": 0.8}}, "selected_on": "val/srcc"}, "fake"
    )  # fmt: skip
    panels.send(run, folder, folder / "images", "fake", [])
    run.finish(exit_code=0)
    (left,) = (folder / "wandb").glob("offline-run-*")
    return Board(left)


@pytest.fixture(scope="module")
def rows(folder: Path) -> pd.DataFrame:
    rows = pd.read_csv(folder / "predictions" / "test.csv")
    return rows.assign(error=(rows["score"] - rows["mos"]).abs()).sort_values("error")


def test_every_row_is_in_the_table_of_predictions(board: Board, rows: pd.DataFrame) -> None:
    table = board.table("test/predictions")
    assert table["columns"] == list(rows.columns[:-1])
    held = pd.DataFrame(table["data"], columns=table["columns"]).sort_values("index")
    np.testing.assert_array_equal(held["score"], rows.sort_values("index")["score"])
    assert board.last("test/scatter_table")["nrows"] == 36


@pytest.mark.parametrize(("name", "part"), [("best", slice(16)), ("worst", slice(-1, -17, -1))])
def test_sixteen_images_stand_in_order_with_captions_and_are_small(
    board: Board, rows: pd.DataFrame, name: str, part: slice
) -> None:
    chosen = rows[part].reset_index(drop=True)
    ids = [line[1] for line in board.table(f"test/{name}")["data"]]
    assert ids == chosen["id"].tolist()
    files, captions = board.images(f"test/{name}_images")
    assert captions == [
        f"{place + 1}. {row.id}: score {row.score:.3f}, MOS {row.mos:.3f},"
        f" {row.distortion} {row.level}; 300×40"
        for place, row in chosen.iterrows()
        if row.id != "07 ü.png"  # which cannot be read any more
    ]
    for file in files:
        assert Image.open(file).size == (256, 34)
        assert file.stat().st_size < 300_000


def test_bars_are_the_distortions_own_correlations(board: Board, rows: pd.DataFrame) -> None:
    table = board.table("test/by_distortion")
    assert table["columns"] == ["distortion", "n", "srcc", "plcc", "krcc", "rmse"]
    found = {line[0]: line[2] for line in table["data"]}
    for kind in KINDS:
        part = rows[rows["distortion"] == kind]
        assert found[kind] == pytest.approx(part["score"].corr(part["mos"], "spearman"))
    assert len(board.table("test/distortions_table")["data"]) == 3


def test_weights_of_the_levels_are_a_picture_and_numbers(board: Board) -> None:
    (file,), _ = board.images("kd/level_weights")
    assert Image.open(file).width > 500
    table = board.table("kd/level_weights_by_epoch")
    assert table["columns"] == ["epoch", *(f"train/weight_level{i}" for i in range(4))]
    assert table["data"][1] == pytest.approx([1, 0.2, 0.22, 0.24, 0.26])


def test_confusion_counts_each_validation_image_once(board: Board, rows: pd.DataFrame) -> None:
    cells = board.table("kd/confusion_table")["data"]
    assert len(cells) == 25
    assert sum(cell[2] for cell in cells) == 36
    ranks = [np.minimum(rows[name].rank().sub(1) // 7.2, 4) for name in ("mos", "score")]
    same = float((ranks[0] == ranks[1]).mean())
    assert board.last("kd/same_fifth") == pytest.approx(same, abs=0.06)
    assert board.last("kd/val_agreement_srcc") == pytest.approx(
        rows["mos"].corr(rows["score"], "spearman")
    )
    assert len(board.table("kd/both")["data"]) == 36


def test_numbers_are_where_the_boards_table_has_them(board: Board) -> None:
    assert board.summary["test/fake/srcc"] == 0.9
    assert board.summary["val/srcc_best"] == 0.8
    assert board.exit_code == 0
