import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kdiqa.metrics.scenes import summarize_within


def test_it_is_the_median_of_what_scipy_finds_in_each_scene() -> None:
    rng = np.random.default_rng(0)
    scenes = np.repeat([f"scene_{i}" for i in range(7)], 9)
    mos = rng.random(63)
    score = mos + rng.normal(0, 0.3, 63) + np.repeat(rng.normal(0, 5, 7), 9)  # scenes lie apart
    order = rng.permutation(63)
    rows = summarize_within(score[order], mos[order], scenes[order].tolist())
    groups = pd.DataFrame({"x": score, "y": mos, "scene": scenes}).groupby("scene")
    each = [(stats.spearmanr(g.x, g.y)[0], stats.kendalltau(g.x, g.y)[0]) for _, g in groups]
    assert rows["srcc"] == pytest.approx(np.median([pair[0] for pair in each]))
    assert rows["krcc"] == pytest.approx(np.median([pair[1] for pair in each]))
    assert rows["n"] == 63
    assert stats.spearmanr(score, mos)[0] < rows["srcc"]


def test_scenes_whose_names_begin_alike_are_two() -> None:
    scenes = ["indoor_scene_1"] * 3 + ["indoor_scene_10"] * 3
    assert summarize_within([1, 2, 3, 3, 2, 1], [1, 2, 3, 1, 2, 3], scenes)["srcc"] == 0.0


def test_scenes_of_two_images_are_left_out() -> None:
    rows = summarize_within([1, 2, 3, 2, 1], [1, 2, 3, 1, 2], ["a", "a", "a", "b", "b"])
    assert (rows["srcc"], rows["n"]) == (1.0, 3)


def test_photographs_of_their_own_are_no_scenes() -> None:
    message = (
        "none of 4 contents has 3 images, so that nothing can be measured within them. Report on "
        "all images at once: leave out --within."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        summarize_within([1, 2, 3, 4], [1, 2, 3, 4], list("abcd"))
