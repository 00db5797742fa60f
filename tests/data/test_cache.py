"""The feature cache: the same numbers, computed once, and never half."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from kdiqa.data.cache import Rows
from kdiqa.nets.backbone import Backbone
from tests.training import STUDENT, TEACHER, train, write_weights


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def common(home: Path, fake_data: Path) -> tuple[str, ...]:
    weights = write_weights(home / "weights.pth")
    return (f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}")


CENTRES = tuple(
    f"data.{part}_crops={{_target_: kdiqa.data.crops.Crops, num: 2, size: 32, mode: grid}}"
    for part in ("train", "test")
)


def test_cached_training_is_online_training_up_to_rounding(
    home: Path, common: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*TEACHER, *common, *CENTRES)
    online = train(*words, folder=home / "online")
    cached = ("features=cached", f"features.folder={home / 'features'}")
    first = train(*words, *cached, folder=home / "first")

    def refuse(self: Backbone, images: object) -> None:
        raise AssertionError("the backbone ran")

    monkeypatch.setattr(Backbone, "forward", refuse)
    second = train(*words, *cached, folder=home / "second")
    scores = [
        pd.read_csv(run / "predictions" / "test.csv")["score"] for run in (online, first, second)
    ]
    np.testing.assert_allclose(scores[1], scores[0], atol=2e-2)
    np.testing.assert_array_equal(scores[2], scores[1])


def test_student_and_teacher_read_the_same_kept_pyramids(
    home: Path, common: tuple[str, ...]
) -> None:
    cached = ("features=cached", f"features.folder={home / 'features2'}", "features.views=2")
    teacher = train(*TEACHER, *common, *cached, "trainer.max_epochs=1", folder=home / "teacher")
    words = (*STUDENT, *common, *cached, f"teacher={teacher}", "teacher_pair=ref")
    folder = train(*words, folder=home / "student")
    assert "train/loss_level" in pd.read_csv(folder / "metrics.csv").columns
    assert len(list((home / "features2").iterdir())) == 4  # two pairings, training and test


def test_changed_crops_are_computed_anew(home: Path, common: tuple[str, ...]) -> None:
    cached = ("features=cached", f"features.folder={home / 'features3'}", "trainer.max_epochs=1")
    train(*TEACHER, *common, *cached, folder=home / "a")
    before = set((home / "features3").iterdir())
    train(*TEACHER, *common, *cached, "crop_size=40", folder=home / "b")
    assert len(set((home / "features3").iterdir()) - before) == 2


def test_features_of_a_backbone_that_is_trained_are_refused(
    home: Path, common: tuple[str, ...]
) -> None:
    words = (
        "features=cached",
        f"features.folder={home / 'no'}",
        "module.net.backbone.frozen=false",
    )
    with pytest.raises(ValueError, match=r"^Features of a backbone that is trained change with"):
        train(*TEACHER, *common, *words, folder=home / "refused")


def test_row_counts_only_when_all_its_views_are_there(tmp_path: Path) -> None:
    rows = Rows(tmp_path, 5, (2, 1, 1, 3, 1, 1), ["a 10", "b 20"], [4, 1])
    assert rows.missing() == [0, 1]
    rows.create()
    rows.put(0, 0, np.ones((1, 1, 3, 1, 1), np.float16))
    assert rows.missing() == [0, 1]
    rows.put(0, 1, np.ones((1, 1, 3, 1, 1), np.float16))
    assert rows.missing() == [1]
    again = Rows(tmp_path, 5, (2, 1, 1, 3, 1, 1), ["a 10", "b 20"], [4, 1])
    np.testing.assert_array_equal(again.get(0, 1), 1)
    replaced = Rows(tmp_path, 5, (2, 1, 1, 3, 1, 1), ["a 11", "b 20"], [4, 1])
    assert replaced.missing() == [0, 1]


def test_small_disk_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    rows = Rows(tmp_path, 5, (1, 1, 1, 3, 7, 7), ["a 10"], [0])
    with pytest.raises(
        OSError, match=r"^The features need 0.0 GiB and '.*' has 0.0 GiB free. Set"
    ):
        rows.create()


def test_half_precision_rounds_by_less_than_a_thousandth() -> None:
    features = torch.randn(100_000)
    error = (features.half().float() - features).abs()
    assert (error <= features.abs() * 2**-11 + 2**-25).all()


def test_teacher_with_another_backbone_cannot_read_the_kept_features(
    home: Path, common: tuple[str, ...]
) -> None:
    words = (common[0], "module.net.backbone.weights=random", "trainer.max_epochs=1", "seed=3")
    teacher = train(*TEACHER, *words, folder=home / "stranger")
    cached = ("features=cached", f"features.folder={home / 'features4'}", f"teacher={teacher}")
    with pytest.raises(
        RuntimeError, match=r"^The teacher's backbone is not the student's, and the"
    ):
        train(*STUDENT, *common, *cached, folder=home / "estranged")
