"""Parts of a table."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kdiqa.metrics.breakdown import breakdown


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    mos = random.uniform(size=60)
    return pd.DataFrame(
        {
            "content": [f"scene {i % 4}" for i in range(60)],
            "distortion": [("blur", "noise", "jpeg")[i % 3] for i in range(60)],
            "level": pd.array([1 + i % 5 for i in range(60)], dtype="Int64"),
            "mos": mos,
            "score": mos + random.normal(0, 0.2, 60),
        }
    )


@pytest.mark.parametrize("by", ["distortion", "level", "content"])
def test_each_part_is_measured_as_scipy_measures_it_alone(rows: pd.DataFrame, by: str) -> None:
    parts = breakdown(rows, by)
    assert list(parts.columns) == ["n", "srcc", "plcc", "krcc", "rmse"]
    assert parts["n"].sum() == 60
    for name, part in rows.groupby(by):
        x, y = part["score"], part["mos"]
        row = parts.loc[str(name)]
        assert row["srcc"] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
        assert row["plcc"] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
        assert row["krcc"] == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
        assert row["rmse"] == pytest.approx(np.sqrt(np.mean((x - y) ** 2)), abs=1e-12)


def test_parts_of_fewer_than_five_images_are_counted_and_not_correlated(
    rows: pd.DataFrame,
) -> None:
    rows["distortion"] = ["rare"] * 4 + ["common"] * 5 + [None] * 51
    parts = breakdown(rows, "distortion")
    assert parts["n"].to_dict() == {"common": 5, "rare": 4, "none": 51}
    assert parts.loc["rare", ["srcc", "plcc", "krcc"]].isna().all()
    assert np.isfinite(parts.loc["rare", "rmse"])
    assert parts.loc[["common", "none"]].notna().all(axis=None)


def test_a_part_of_one_label_ranks_nothing_and_a_dead_student_ranks_zero(
    rows: pd.DataFrame,
) -> None:
    rows.loc[rows["distortion"] == "blur", "mos"] = 0.5
    rows.loc[rows["distortion"] == "noise", "score"] = 0.5
    parts = breakdown(rows, "distortion")
    assert np.isnan(parts.loc["blur", "srcc"])
    assert parts.loc["noise", "srcc"] == 0


def test_a_column_that_is_not_there_is_said_so(rows: pd.DataFrame) -> None:
    message = (
        "The predictions have no column 'device', only ['content', 'distortion', 'level', 'mos', "
        "'score']. Break them down by one of those, or write them again with: "
        "python -m kdiqa.evaluate run=…"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        breakdown(rows, "device")
