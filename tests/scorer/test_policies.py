"""What a test sees of an image is chosen by name, and need not be what training saw."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from kdiqa.config.instantiate import instantiate
from kdiqa.data.boxes import CropMode
from tests.runs import TEACHER, composed, planned, train, write_weights

POLICIES = {
    "random": ("random", 3),
    "grid": ("grid", 3),
    "center": ("center", 1),
    "five": ("five", 5),
    "ten": ("ten", 10),
    "full": ("full", 1),
    "tiles": ("tiles", 1),
}

QUICK = {("tiles", "online"), ("tiles", "cached"), ("five", "cached")}


@pytest.fixture
def common(tmp_path: Path, fake_data: Path) -> tuple[str, ...]:
    weights = write_weights(tmp_path / "weights.pth")
    return (
        *TEACHER,
        "trainer.max_epochs=1",
        f"data.root={fake_data / 'tid2013'}",
        f"module.net.backbone.weights={weights}",
        "num_test_crops=3",
    )


def test_every_policy_has_a_name() -> None:
    assert set(get_args(CropMode)) == set(POLICIES)


@pytest.mark.parametrize(
    ("policy", "features"),
    [
        pytest.param(policy, features, marks=[] if quick else pytest.mark.slow)
        for policy in POLICIES
        for features in ("online", "cached")
        for quick in [(policy, features) in QUICK]
    ],
)
def test_a_run_is_tested_by_any_policy_whatever_it_was_trained_on(
    policy: str, features: str, common: tuple[str, ...], tmp_path: Path
) -> None:
    words = [f"test_crops={policy}", f"features={features}", "module.net.crop_fusion=mean"]
    if features == "cached":
        words.append(f"cache.folder={tmp_path / 'features'}")
    if features == "cached" and policy in ("full", "tiles"):
        message = (
            "Whole images and tiles differ from image to image and cannot be cached as rows of one "
            "size. Set features=online, or test_crops=grid; the whole image: "
            "data.test_crops.size=224."
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            train(*common, *words, folder=tmp_path / "run")
        return
    run = train(*common, *words, folder=tmp_path / "run")
    rows = pd.read_csv(run / "predictions" / "test.csv")
    assert len(rows) == rows["id"].nunique() >= 5
    assert rows["score"].notna().all()
    assert rows["score"].nunique() > 1


@pytest.mark.parametrize(("policy", "expected"), POLICIES.items())
@pytest.mark.parametrize("experiment", ["teacher_tid2013", "akd_demo", "akd_koniq"])
def test_a_policy_given_by_hand_replaces_the_experiments(
    experiment: str, policy: str, expected: tuple[str, int], tmp_path: Path
) -> None:
    words = (f"experiment={experiment}", f"test_crops={policy}", "num_test_crops=3")
    crops = instantiate(composed(*words, folder=tmp_path).data.test_crops)
    assert (crops.mode, crops.num) == expected


def test_a_net_of_joined_crops_is_told_of_another_number_before_it_trains(
    common: tuple[str, ...], tmp_path: Path
) -> None:
    for policy, given in (("five", "5 crops"), ("tiles", "as many crops as cover an image")):
        message = (
            f"The test shows {given} (data.test_crops), and the net's weights are made for 2\n"
            "(module.net.crop_fusion=cat). Set num_crops and num_test_crops alike, or "
            "module.net.crop_fusion=mean."
        )
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            planned(*common, f"test_crops={policy}", folder=tmp_path / policy)
