"""The feature cache: the same numbers, computed once, and never half."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import default_collate

from kdiqa.batch import Prediction, restored
from kdiqa.data.cache.predictions import CachedPredictions, flattened
from kdiqa.data.cache.rows import Rows
from kdiqa.data.images.read import read_rgb
from kdiqa.models.backbone import Backbone
from tests.fakes import write
from tests.runs import STUDENT, TEACHER, train

CENTRES = tuple(
    f"data.{part}_crops={{_target_: kdiqa.data.crops.Crops, num: 2, size: 32, mode: grid}}"
    for part in ("train", "test")
)


def test_cached_training_is_online_training_up_to_rounding(
    home: Path, common: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*TEACHER, *common, *CENTRES)
    online = train(*words, folder=home / "online")
    cached = ("features=cached", f"cache.folder={home / 'features'}")
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


def test_student_and_teacher_read_the_same_cached_pyramids(
    home: Path, common: tuple[str, ...]
) -> None:
    cached = ("features=cached", f"cache.folder={home / 'features2'}", "cache.views=2")
    teacher = train(*TEACHER, *common, *cached, "trainer.max_epochs=1", folder=home / "teacher")
    words = (*STUDENT, *common, *cached, f"teacher={teacher}", "distiller/teacher_pair=ref")
    folder = train(*words, folder=home / "student")
    assert "train/loss_level" in pd.read_csv(folder / "metrics.csv").columns
    assert (
        len(list((home / "features2").iterdir())) == 5
    )  # two pairings, training and test; the teacher's predictions


def test_changed_crops_are_computed_anew(home: Path, common: tuple[str, ...]) -> None:
    cached = ("features=cached", f"cache.folder={home / 'features3'}", "trainer.max_epochs=1")
    train(*TEACHER, *common, *cached, folder=home / "a")
    before = set((home / "features3").iterdir())
    train(*TEACHER, *common, *cached, "crop_size=40", folder=home / "b")
    assert len(set((home / "features3").iterdir()) - before) == 2


def test_features_of_a_backbone_that_is_trained_are_refused(
    home: Path, common: tuple[str, ...]
) -> None:
    words = (
        "features=cached",
        f"cache.folder={home / 'no'}",
        "module.net.backbone.frozen=false",
    )
    message = (
        r"^Features of a backbone that is trained change with every step and cannot be cached\. Set"
        r" module\.net\.backbone\.frozen=true, or features=online\.$"
    )
    with pytest.raises(ValueError, match=message):
        train(*TEACHER, *common, *words, folder=home / "refused")


def test_row_counts_only_when_all_its_views_are_there(tmp_path: Path) -> None:
    rows = Rows(tmp_path, 5, (2, 1, 1, 3, 1, 1), ["a 10", "b 20"], [4, 1])
    assert rows.missing() == [0, 1]
    rows.create(2)
    rows.put(0, 0, np.ones((1, 1, 3, 1, 1), np.float16))
    assert rows.missing() == [0, 1]
    rows.put(0, 1, np.ones((1, 1, 3, 1, 1), np.float16))
    assert rows.missing() == [1]
    again = Rows(tmp_path, 5, (2, 1, 1, 3, 1, 1), ["a 10", "b 20"], [4, 1])
    np.testing.assert_array_equal(again.get(0, 1), 1)
    replaced = Rows(tmp_path, 5, (2, 1, 1, 3, 1, 1), ["a 11", "b 20"], [4, 1])
    assert replaced.missing() == [0, 1]


def damage(path: Path, way: str) -> None:
    """Does to a cache file what disks and people do."""
    if way == "deleted":
        path.unlink()
    elif way == "cut":
        path.write_bytes(path.read_bytes()[:-5])
    else:
        with path.open("r+b") as file:  # one bit of the last row
            file.seek(-3, 2)
            value = file.read(1)[0]
            file.seek(-3, 2)
            file.write(bytes([value ^ 1]))


@pytest.mark.parametrize("way", ["deleted", "cut", "altered"])
@pytest.mark.parametrize("name", ["features.npy", "marks.npy"])
def test_a_damaged_file_is_found_and_computed_anew(tmp_path: Path, name: str, way: str) -> None:
    shape, files = (2, 4), ["a", "b", "c"]
    values = np.arange(1, 25, dtype=np.float16).reshape(3, 2, 4)

    def filled() -> list[int]:
        rows = Rows(tmp_path, 3, shape, files, range(3))
        missing = rows.missing()
        rows.create(len(missing))
        for image in missing:
            for view in range(2):
                rows.put(image, view, values[image, view])
        assert rows.missing() == []
        stored = np.array([[rows.get(image, view) for view in range(2)] for image in range(3)])
        np.testing.assert_array_equal(stored, values)
        return missing

    assert filled() == [0, 1, 2]
    assert filled() == []
    damage(tmp_path / name, way)
    assert filled() == ([2] if way == "altered" else [0, 1, 2])
    assert filled() == []


def test_features_are_of_the_bytes_on_the_disk(
    home: Path, common: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "tid2013"
    shutil.copytree(common[0].removeprefix("data.root="), root)
    words = (*TEACHER, *common, f"data.root={root}", "features=cached", "trainer.max_epochs=1")
    words += (f"cache.folder={tmp_path / 'features'}",)
    written: list[int] = []
    put = Rows.put

    def counted(self: Rows, image: int, view: int, features: NDArray[np.float16]) -> None:
        written.append(self.positions[image])
        put(self, image, view, features)

    monkeypatch.setattr(Rows, "put", counted)
    train(*words, folder=tmp_path / "a")
    every = len(set(written))
    image = sorted((root / "distorted_images").iterdir())[0]
    size = image.stat().st_size
    write(image, 255 - read_rgb(image))
    assert (image.stat().st_size, image.suffix.lower()) == (
        size,
        ".bmp",
    )  # name and size say nothing
    written.clear()
    train(*words, folder=tmp_path / "b")
    assert len(set(written)) == 1
    reference = sorted((root / "reference_images").iterdir())[0]
    write(reference, 255 - read_rgb(reference))  # what a row holds of it is of its bytes too
    written.clear()
    train(*words, folder=tmp_path / "c")
    assert 1 < len(set(written)) < every
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    written.clear()
    train(*words, f"data.root={copy}", folder=tmp_path / "d")
    assert len(set(written)) == every


def test_small_disk_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    rows = Rows(tmp_path, 5, (1, 1, 1, 3, 7, 7), ["a 10"], [0])
    message = (
        rf"^The features need 0\.0 GiB and '{tmp_path}' has 0\.0 GiB free\. Set cache\.folder to a"
        r" larger disk, or lower cache\.views or num_crops; or compute them in every step:"
        r" features=online\.$"
    )
    with pytest.raises(OSError, match=message):
        rows.create(1)


def test_half_precision_rounds_by_less_than_a_thousandth() -> None:
    features = torch.randn(100_000)
    error = (features.half().float() - features).abs()
    assert (error <= features.abs() * 2**-11 + 2**-25).all()


def test_teacher_with_another_backbone_cannot_read_the_cached_features(
    home: Path, common: tuple[str, ...]
) -> None:
    words = (common[0], "module.net.backbone.weights=random", "trainer.max_epochs=1", "seed=3")
    teacher = train(*TEACHER, *words, folder=home / "stranger")
    cached = ("features=cached", f"cache.folder={home / 'features4'}", f"teacher={teacher}")
    message = (
        r"^The teacher's backbone is not the student's, and the batch holds cached features of the"
        r" student's alone\. Give both the same frozen backbone, or set features=online\.$"
    )
    with pytest.raises(RuntimeError, match=message):
        train(*STUDENT, *common, *cached, folder=home / "estranged")


def test_cached_predictions_of_a_teacher_train_as_fresh_ones_do(
    home: Path, common: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = ("features=cached", f"cache.folder={home / 'features5'}", "cache.views=2")
    teacher = train(*TEACHER, *common, *cached, "trainer.max_epochs=1", folder=home / "speaker")
    words = (*STUDENT, *common, *cached, f"teacher={teacher}", "distiller/teacher_pair=ref")
    spoken = train(*words, "cache.teacher=false", folder=home / "spoken")
    train(*words, folder=home / "written")

    def refuse(*unused: object) -> None:
        raise AssertionError("the teacher was asked")

    monkeypatch.setattr(CachedPredictions, "get", counted := Counted(CachedPredictions.get))
    monkeypatch.setattr("kdiqa.data.cache.predictions.flattened", refuse)
    read = train(*words, folder=home / "read")
    assert counted.calls > 0
    losses = [
        pd.read_csv(run / "metrics.csv")["train/loss_level"].dropna() for run in (spoken, read)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=5e-3)


class Counted:
    """A function, and how often it was called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.calls = function, 0

    def __get__(self, instance: object, owner: type) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.calls += 1
            return self.function(instance, *arguments)

        return call


def test_cached_predictions_are_the_teachers() -> None:
    torch.manual_seed(0)
    prediction = Prediction(torch.rand(2), torch.randn(3, 4, 2, 5, 6), None, torch.randn(2, 7))
    parts = {"score": (), "difference": (3, 4, 5, 6), "fused": (7,)}
    cached = CachedPredictions(FlatRows(flattened(prediction)), parts)  # type: ignore[arg-type]
    again = restored(default_collate([cached.get(image, 0) for image in range(2)]))
    assert again.distorted is None
    for name in parts:
        torch.testing.assert_close(
            getattr(again, name), getattr(prediction, name), rtol=1e-3, atol=1e-4
        )


class FlatRows:
    """Rows in memory."""

    def __init__(self, flat: torch.Tensor) -> None:
        self.flat = flat

    def get(self, image: int, view: int) -> NDArray[np.float16]:
        return np.asarray(self.flat[image].numpy())


def fill(folder: Path, start: int) -> int:
    """Fills rows that another process fills as well, and returns how many it wrote itself."""
    rows = Rows(folder, 40, (1, 8), [f"{i} 10" for i in range(40)], range(40))
    rows.create(40)
    order, written = [*range(start, 40), *range(start)], 0
    for image in rows.pending(order):
        time.sleep(0.005)
        rows.put(image, 0, np.full(8, image, np.float16))
        written += 1
    assert not rows.missing()
    assert all((rows.get(image, 0) == image).all() for image in range(40))
    return written


def test_two_processes_fill_one_cache_and_share_the_work(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        written = list(pool.map(fill, [tmp_path, tmp_path], [0, 20]))
    assert 40 <= sum(written) < 80
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.npy", "marks.npy"]
