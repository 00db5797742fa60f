"""The curves of a run that was killed are those of the undisturbed one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kdiqa.training.resume import archive_curves, join_curves

HEAD = "epoch,step,train/loss,val/srcc\n"


def written(folder: Path, text: str) -> None:
    (folder / "metrics.csv").write_text(HEAD + text)


def joined(folder: Path) -> list[list[float]]:
    join_curves(folder)
    assert [path.name for path in folder.iterdir()] == ["metrics.csv"]
    table = pd.read_csv(folder / "metrics.csv")
    return table.groupby("epoch")[["train/loss", "val/srcc"]].first().to_numpy().tolist()


def test_half_a_line_is_no_line(tmp_path: Path) -> None:
    written(tmp_path, "0,2,,0.5\n0,2,0.25,\n1,5,,0.7")
    archive_curves(tmp_path, None)
    written(tmp_path, "1,5,,0.75\n1,5,0.125,\n")
    assert joined(tmp_path) == [[0.25, 0.5], [0.125, 0.75]]


def test_a_line_that_was_to_come_after_the_checkpoint_is_taken_from_it(tmp_path: Path) -> None:
    written(tmp_path, "0,2,,0.5\n0,2,0.25,\n1,5,,0.75\n")
    archive_curves(tmp_path, {"epoch": 1, "step": 5, "train/loss": 0.125, "val/srcc": 0.75})
    written(tmp_path, "2,8,,0.9\n2,8,0.0625,\n")
    assert joined(tmp_path) == [[0.25, 0.5], [0.125, 0.75], [0.0625, 0.9]]


def test_a_table_that_was_cut_to_nothing_is_none(tmp_path: Path) -> None:
    for left in ("", "epoch,ste", HEAD):
        (tmp_path / "metrics.csv").write_text(left)
        archive_curves(tmp_path, None)
    written(tmp_path, "0,2,,0.5\n0,2,0.25,\n")
    assert joined(tmp_path) == [[0.25, 0.5]]


def test_a_join_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    written(tmp_path, "0,2,0.25,0.5\n")
    archive_curves(tmp_path, None)
    kept = (tmp_path / "metrics_before_0.csv").read_text()
    written(tmp_path, "1,5,0.125,0.75\n")
    join_curves(tmp_path)
    (tmp_path / "metrics_before_0.csv").write_text(kept)  # killed before it was removed
    archive_curves(tmp_path, None)
    written(tmp_path, "2,8,0.0625,0.9\n")
    assert joined(tmp_path) == [[0.25, 0.5], [0.125, 0.75], [0.0625, 0.9]]
