"""One row an image, whatever samplers and ranks did."""

import re
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from kdiqa.metrics.table import gather, merge


def test_rows_are_sorted_and_every_image_stands_once() -> None:
    rows = merge([[4, 1], [0, 4]], [[0.4, 0.1], [0.0, 0.4]], [[0.8, 0.2], [0.0, 0.8]])
    assert rows.index.tolist() == [0, 1, 4]
    assert rows.score.tolist() == [0.0, 0.1, 0.4]
    assert rows.mos.tolist() == [0.0, 0.2, 0.8]
    assert rows.index.dtype == np.int64
    assert rows.score.dtype == rows.mos.dtype == np.float64


def test_the_first_of_two_rows_that_differ_by_rounding_is_kept() -> None:
    rows = merge([[7], [7]], [[0.5], [0.504]], [[0.3], [0.3]])
    assert rows.score.tolist() == [0.5]


@pytest.mark.parametrize(
    ("scores", "mos", "values"),
    [
        ([[0.5], [0.9]], [[0.3], [0.3]], "[(0.3, 0.5), (0.3, 0.9)]"),
        ([[0.5], [0.5]], [[0.3], [0.4]], "[(0.3, 0.5), (0.4, 0.5)]"),
    ],
    ids=["scores", "labels"],
)
def test_rows_that_contradict_each_other_are_refused(scores: list, mos: list, values: str) -> None:
    message = (
        f"Rows of image 7 contradict each other: (mos, score) = {values}. Either two "
        "images share this index, or the ranks differ in weights: give all ranks one seed."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        merge([[7], [7]], scores, mos)


def test_a_score_that_is_not_a_number_is_left_for_the_summary_to_name() -> None:
    rows = merge([[0], [0]], [[np.nan], [np.nan]], [[0.3], [0.3]])
    assert np.isnan(rows.score).all()


def test_one_process_gathers_its_own_rows_in_any_precision() -> None:
    index, mos = torch.tensor([1, 0]), torch.tensor([0.5, 0.25])
    rows = gather(index, torch.tensor([0.5, 0.25], dtype=torch.bfloat16), mos)
    assert rows.score.tolist() == [0.25, 0.5]


def _gather_on_one_of_two(rank: int, port: int, folder: Path) -> None:
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    index = torch.tensor([0, 2, 4] if rank == 0 else [1, 3, 0])  # rank 1 is padded with image 0
    rows = gather(index, index / 4, index / 8)
    np.savez(folder / f"{rank}.npz", index=rows.index, score=rows.score, mos=rows.mos)
    dist.destroy_process_group()


@pytest.mark.ddp
def test_two_ranks_hold_the_same_whole_table(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = (port, tmp_path)
    mp.start_processes(_gather_on_one_of_two, given, nprocs=2, start_method="fork")
    for rank in range(2):
        rows = np.load(tmp_path / f"{rank}.npz")
        assert rows["index"].tolist() == [0, 1, 2, 3, 4]
        assert rows["score"].tolist() == [0, 0.25, 0.5, 0.75, 1]
        assert rows["mos"].tolist() == [0, 0.125, 0.25, 0.375, 0.5]
