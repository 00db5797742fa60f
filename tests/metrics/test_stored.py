"""What is written is read back to the last bit; two tables are set side by side or refused."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdiqa.metrics.stored import aligned, read_rows


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [f"{i:03}" for i in range(500)],
            "distortion": ["1", None] * 250,
            "level": pd.array([1, None] * 250, dtype="Int64"),
            "mos": random.uniform(size=500),
            "score": random.uniform(size=500).astype(np.float32).astype(float),
        }
    )


def test_numbers_come_back_to_the_last_bit_and_names_as_text(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    rows.to_csv(tmp_path / "test.csv", index=False)
    read = read_rows(tmp_path / "test.csv")
    assert np.array_equal(read["mos"], rows["mos"])
    assert np.array_equal(read["score"], rows["score"])
    assert read["id"].tolist() == rows["id"].tolist()
    assert read["level"].tolist() == rows["level"].tolist()
    assert read["distortion"][0] == "1"
    assert read["distortion"].isna().sum() == 250


def test_a_table_without_scores_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"name": ["a"], "mos": [1.0]}).to_csv(tmp_path / "test.csv", index=False)
    message = (
        "no column score among ['name', 'mos']. A run's own table has index, id, content, "
        "distortion, level, split, mos, score."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_rows(tmp_path / "test.csv")


def test_rows_of_another_order_are_set_beside_their_own_images(rows: pd.DataFrame) -> None:
    other = rows.assign(score=-rows["score"]).sample(frac=1, random_state=1)
    both = aligned(rows, other)
    assert (both["score_b"] == -both["score"]).all()


def test_tables_of_other_images_are_refused(rows: pd.DataFrame) -> None:
    message = (
        "Two methods are compared on the same images, but of 500 and 499 rows 499 images are in "
        "both.\nCompare runs of one data set and one split: give both the same split=…"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        aligned(rows, rows.iloc[1:])
    message = message.replace("500 and 499 rows 499", "500 and 501 rows 500")
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        aligned(rows, pd.concat([rows, rows.iloc[:1]]))


def test_tables_of_other_labels_are_refused(rows: pd.DataFrame) -> None:
    message = (
        "1 of 500 images have other labels in the second table, the first is '007'. Compare "
        "runs that read the same label file."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        aligned(rows, rows.assign(mos=rows["mos"].where(rows["id"] != "007", 0.5)))
