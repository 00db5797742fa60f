"""Bars of parts and the forest of differences show the numbers that they are given."""

import numpy as np
import pandas as pd
import pytest

from kdiqa import figures


def test_bars_are_as_long_as_their_medians_the_best_on_top() -> None:
    parts = {
        "blur": {"median": 0.5, "min": 0.4, "max": 0.7},
        "noise": {"median": 0.9, "min": 0.9, "max": 0.9},
        "few": {"median": None},
        "jpeg": {"median": -0.2},
    }
    figure = figures.parts(parts)
    assert figure is not None
    axes = figure.axes[0]
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert dict(zip(names, [bar.get_width() for bar in axes.patches], strict=True)) == {
        "jpeg": -0.2,
        "blur": 0.5,
        "noise": 0.9,
    }
    assert list(names) == ["jpeg", "blur", "noise"]  # drawn from below
    assert axes.get_xlim() == (-0.2, 1.0)


def test_nothing_is_drawn_of_no_parts_and_of_no_differences() -> None:
    assert figures.parts({"few": {"median": None}}) is None
    assert figures.forest({}, "alone") is None


def test_only_an_interval_that_leaves_out_zero_is_filled() -> None:
    differences = {
        "better": {"estimate": 0.03, "low": 0.01, "high": 0.05},
        "alike": {"estimate": 0.01, "low": -0.01, "high": 0.03},
        "worse": {"estimate": -0.03, "low": -0.05, "high": -0.01},
        "one run": {"estimate": 0.2, "low": None, "high": None},
    }
    figure = figures.forest(differences, "alone")
    assert figure is not None
    axes = figure.axes[0]
    marks = [line for line in axes.lines if line.get_marker() == "s"]
    hollow = [line.get_markerfacecolor() == "#FFFFFF" for line in marks]
    assert hollow == [False, True, False, True]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(differences)
    top, bottom = (line.get_ydata()[0] for line in (marks[0], marks[-1]))
    shown = axes.transData.transform(np.array([[0.0, top], [0.0, bottom]], float))
    assert shown[0, 1] > shown[1, 1]  # in the order given, from above
    bounds = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2][1:]
    assert bounds[:3] == [[0.01, 0.05], [-0.01, 0.03], [-0.05, -0.01]]


@pytest.mark.parametrize("narrow", [False, True])
def test_the_heat_map_has_a_cell_for_each_level_and_epoch(narrow: bool) -> None:
    weights = np.array([[0.1, 0.9], [0.4, 0.6], [0.5, 0.5]])
    names = ["train/weight_level0", "train/weight_level1"]
    metrics = pd.DataFrame(weights, columns=names).assign(epoch=range(3))
    figure = figures.level_heat_map(metrics, narrow)
    assert figure is not None
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), weights.T)
    assert figures.level_heat_map(metrics[["epoch"]]) is None
