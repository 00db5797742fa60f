"""Parts of a table, and the median over scenes."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kdiqa.metrics.breakdown import breakdown, by_quality, per_scene, quality_range


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
    made = breakdown(rows, by)
    assert list(made.columns) == ["n", "srcc", "plcc", "krcc", "rmse"]
    assert made["n"].sum() == 60
    for name, part in rows.groupby(by):
        x, y = part["score"], part["mos"]
        row = made.loc[str(name)]
        assert row["srcc"] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
        assert row["plcc"] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
        assert row["krcc"] == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
        assert row["rmse"] == pytest.approx(np.sqrt(np.mean((x - y) ** 2)), abs=1e-12)


def test_parts_of_fewer_than_five_images_are_counted_and_not_correlated(
    rows: pd.DataFrame,
) -> None:
    rows["distortion"] = ["rare"] * 4 + ["common"] * 5 + [None] * 51
    made = breakdown(rows, "distortion")
    assert made["n"].to_dict() == {"common": 5, "rare": 4, "none": 51}
    assert made.loc["rare", ["srcc", "plcc", "krcc"]].isna().all()
    assert np.isfinite(made.loc["rare", "rmse"])
    assert made.loc[["common", "none"]].notna().all(axis=None)


def test_a_part_of_one_opinion_ranks_nothing_and_a_dead_student_ranks_zero(
    rows: pd.DataFrame,
) -> None:
    rows.loc[rows["distortion"] == "blur", "mos"] = 0.5
    rows.loc[rows["distortion"] == "noise", "score"] = 0.5
    made = breakdown(rows, "distortion")
    assert np.isnan(made.loc["blur", "srcc"])
    assert made.loc["noise", "srcc"] == 0


def test_quality_ranges_share_the_images_and_stand_worst_first(rows: pd.DataFrame) -> None:
    made = by_quality(rows, 5)
    assert made["n"].tolist() == [12] * 5
    ranges = quality_range(rows, 5)
    means = rows.groupby(ranges, observed=True)["mos"].mean()
    assert means.is_monotonic_increasing
    assert list(made.index) == [str(name) for name in means.index]


@pytest.mark.parametrize("mos", [[0.5] * 6, [0.5], [0.0] * 5 + [1.0], [0.5, 0.5001, 0.5002, 0.6]])
def test_opinions_that_repeat_make_fewer_ranges(mos: list[float]) -> None:
    made = by_quality(pd.DataFrame({"mos": mos, "score": mos}), 4)
    assert made["n"].sum() == len(mos)
    assert made.index.is_unique


def test_scenes_are_ranked_apart_and_their_median_is_reported() -> None:
    mos = np.linspace(0, 1, 6)
    parts = [
        pd.DataFrame({"content": name, "mos": mos, "score": shift + sign * mos})
        for name, shift, sign in (("a", 0, 1), ("b", 10, 1), ("c", -7, -1))
    ]
    few = pd.DataFrame({"content": "d", "mos": mos[:4], "score": -mos[:4]})
    found = per_scene(pd.concat([*parts, few]))
    assert found == pytest.approx({"srcc": 1, "plcc": 1, "krcc": 1, "scenes": 3})


def test_a_table_without_scenes_worth_ranking_has_no_median() -> None:
    found = per_scene(pd.DataFrame({"content": ["a", "b"], "mos": [0.1, 0.2], "score": [0, 1]}))
    assert np.isnan(found["srcc"])
    assert found["scenes"] == 0


def test_a_column_that_is_not_there_is_said_so(rows: pd.DataFrame) -> None:
    message = (
        "The predictions have no column 'device', only ['content', 'distortion', 'level', 'mos', "
        "'score']. Break them down by one of those, or write them again with: "
        "python -m kdiqa.evaluate run=…"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        breakdown(rows, "device")
