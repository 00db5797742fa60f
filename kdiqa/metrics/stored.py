"""Predictions as a run stores them: written, read back as they were, paired with another run's."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kdiqa.metrics.table import Rows

COLUMNS = ("index", "id", "content", "distortion", "level", "split", "mos", "score")


def rows_of(data: Any, rows: Rows) -> pd.DataFrame:
    """Returns the stored table of some images: the columns of :data:`COLUMNS`.

    Args:
        data: The data module of the images: its `records`, `assignment` and `root`.
        rows: Indices into its records, and the predictions.
    """
    records = [data.records[i] for i in rows.index]
    root, paths = data.root, [record.image for record in records]
    names = [path.relative_to(root) if path.is_relative_to(root) else path for path in paths]
    return pd.DataFrame(
        {
            "index": rows.index,
            "id": [name.as_posix() for name in names],
            "content": [record.content for record in records],
            "distortion": [record.distortion for record in records],
            "level": pd.array([record.level for record in records], dtype="Int64"),
            "split": [data.assignment.subsets[i] for i in rows.index],
            "mos": [float(record.mos) for record in records],
            "score": rows.score,
        }
    )


def read_rows(file: Path) -> pd.DataFrame:
    """Returns a stored table, its numbers to the last bit and its names as text.

    A table of one's own needs `mos` and `score`; the other columns serve breakdowns and tests.

    Args:
        file: a CSV, as `predictions/test.csv` of a run.

    Raises:
        ValueError: if it has no labels or no scores.
    """
    texts = dict.fromkeys(("id", "content", "distortion", "mos", "score"), str)
    rows = pd.read_csv(file, dtype=texts | {"level": "Int64"})
    missing = [name for name in ("mos", "score") if name not in rows]
    if missing:
        raise ValueError(
            f"no column {' or '.join(missing)} among {list(rows)}. A run's own table has "
            f"{', '.join(COLUMNS)}."
        )
    # From text: the reader of older versions of pandas misses the last bit.
    return rows.astype({"mos": np.float64, "score": np.float64})


def aligned(rows_a: pd.DataFrame, rows_b: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of one table paired with the other's scores, as `score` and `score_b`.

    Args:
        rows_a: a run's predictions, with `id`, `mos` and `score`.
        rows_b: another run's, of the same images in any order.

    Raises:
        ValueError: if the tables are not of the same images with the same labels.

    Example:
        >>> a = pd.DataFrame({"id": ["x", "y"], "mos": [0.1, 0.9], "score": [0.2, 0.8]})
        >>> aligned(a, a.iloc[::-1])["score_b"].tolist()
        [0.2, 0.8]
    """
    names = set(rows_a["id"]), set(rows_b["id"])
    if names[0] != names[1] or len(rows_a) != len(names[0]) or len(rows_b) != len(names[1]):
        raise ValueError(
            f"Two methods are compared on the same images, but of {len(rows_a)} and {len(rows_b)} "
            f"rows {len(names[0] & names[1])} images are in both.\nCompare runs of one data set "
            "and one split: give both the same split=…"
        )
    other = rows_b.set_index("id").loc[list(rows_a["id"])]
    far = np.flatnonzero(np.abs(other["mos"].to_numpy() - rows_a["mos"].to_numpy()) > 1e-6)
    if len(far):
        raise ValueError(
            f"{len(far)} of {len(rows_a)} images have other labels in the second table, the "
            f"first is '{rows_a['id'].iloc[far[0]]}'. Compare runs that read the same label file."
        )
    return rows_a.assign(score_b=other["score"].to_numpy())
