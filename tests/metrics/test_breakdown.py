"""Parts of a table, and within contents."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kdiqa.metrics.breakdown import breakdown, summarize_within


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


def within(
    score: Sequence[float], mos: Sequence[float], content: Sequence[str]
) -> dict[str, float]:
    return summarize_within(pd.DataFrame({"score": score, "mos": mos, "content": content}))


def test_within_contents_it_is_the_median_of_what_scipy_finds_in_each() -> None:
    rng = np.random.default_rng(0)
    scenes = np.repeat([f"scene_{i}" for i in range(7)], 9)
    mos = rng.random(63)
    score = mos + rng.normal(0, 0.3, 63) + np.repeat(rng.normal(0, 5, 7), 9)  # scenes lie apart
    order = rng.permutation(63)
    rows = within(score[order], mos[order], scenes[order])
    groups = pd.DataFrame({"x": score, "y": mos, "scene": scenes}).groupby("scene")
    each = [(stats.spearmanr(g.x, g.y)[0], stats.kendalltau(g.x, g.y)[0]) for _, g in groups]
    assert rows["srcc"] == pytest.approx(np.median([pair[0] for pair in each]))
    assert rows["krcc"] == pytest.approx(np.median([pair[1] for pair in each]))
    assert rows["n"] == 63
    assert stats.spearmanr(score, mos)[0] < rows["srcc"]


def test_scenes_whose_names_begin_alike_are_two() -> None:
    scenes = ["indoor_scene_1"] * 3 + ["indoor_scene_10"] * 3
    assert within([1, 2, 3, 3, 2, 1], [1, 2, 3, 1, 2, 3], scenes)["srcc"] == 0.0


def test_scenes_of_two_images_are_left_out() -> None:
    rows = within([1, 2, 3, 2, 1], [1, 2, 3, 1, 2], ["a", "a", "a", "b", "b"])
    assert (rows["srcc"], rows["n"]) == (1.0, 3)


def test_photographs_of_their_own_are_no_scenes() -> None:
    message = (
        "none of 4 contents has 3 images, so that nothing can be measured within them. Report on "
        "all images at once: leave out --within."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        within([1, 2, 3, 4], [1, 2, 3, 4], list("abcd"))
