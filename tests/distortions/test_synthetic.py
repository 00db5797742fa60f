"""One distortion drawn for each image, by weight."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from kdiqa.distortions.synthetic import kadis, weighted
from tests.fakes import picture


class Noted:
    """A step that notes its kind and does nothing."""

    def __init__(self, kind: str, drawn: list[str]) -> None:
        self.kind, self.drawn = kind, drawn

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        self.drawn.append(self.kind)
        return image


def test_types_are_drawn_by_their_weights() -> None:
    pipeline = weighted({"jpeg": 3, "white_noise": 1, "gaussian_blur": 0}, levels=[1, 5])
    assert Counter(step.kind for step in pipeline.steps) == {"jpeg": 2, "white_noise": 2}
    drawn: list[str] = []
    pipeline = replace(pipeline, steps=[Noted(step.kind, drawn) for step in pipeline.steps])
    for seed in range(2000):
        pipeline(np.zeros((4, 4, 3), np.uint8), seed)
    assert 0.7 < drawn.count("jpeg") / len(drawn) < 0.8


def test_the_same_seed_draws_the_same_and_others_draw_all_steps() -> None:
    image = picture(3, 40, 40)
    pipeline = weighted({"jpeg": 1, "white_noise": 1}, levels=[1, 5])
    assert np.array_equal(pipeline(image, 5), pipeline(image, 5))
    copies = {pipeline(image, seed).tobytes() for seed in range(40)}
    noise = {weighted({"white_noise": 1}, [level])(image, 0).tobytes() for level in (1, 5)}
    assert len(noise) == 2
    assert len(copies) > 10  # of noise a new one each, of JPEG two


def test_weights_are_part_of_what_copies_are_cached_by() -> None:
    one, other = weighted({"jpeg": 1, "white_noise": 1}), weighted({"jpeg": 2, "white_noise": 1})
    assert one.description != other.description
    assert one.description == weighted({"jpeg": 2, "white_noise": 2}).description
    assert "by" not in kadis().description.split(": ")[0]


@pytest.mark.parametrize("weights", [{}, {"jpeg": 0.0}, {"jpeg": 2.0, "white_noise": -1.0}])
def test_weights_that_are_no_shares_are_refused(weights: dict[str, float]) -> None:
    message = (
        f"The weights of the distortions are {weights}. Give some of KADID-10k's types a weight"
        " above 0: data.unlabelled.distortion.weights={jpeg: 1}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        weighted(weights)
