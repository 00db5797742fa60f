"""A run's own scores for its own images, and one score a picture however it is given."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import kdiqa
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.images.read import read_rgb
from kdiqa.predict import main as predict
from kdiqa.scorer import Scorer
from kdiqa.scorer.views import Views
from tests.fakes import picture, write
from tests.runs import STUDENT, TEACHER, train

ALONE = ("distill=false", "trainer.max_epochs=1", "module.net.backbone.weights=random")
KINDS = {
    "re-distorted": (),
    "no second image": ("second=none",),
    "official draws": ("second=redistorted_official", "data.pairs.second.seed_mode=per_epoch"),
    "crops distorted": ("data.pairs.second.where=crop", "data.label_scale=zscore"),
    "grid": ("data.test_crops.mode=grid", "data.seed=3", "data.label_scale=raw"),
}


@pytest.fixture(scope="module")
def root(fake_data: Path) -> Path:
    return fake_data / "tid2013"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, root: Path) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("scored runs")
    words = (*STUDENT, *ALONE, f"data.root={root}")
    return {
        name: train(*words, *more, folder=home / name.replace(" ", "_"))
        for name, more in KINDS.items()
    }


@pytest.fixture(scope="module")
def scorer(runs: dict[str, Path]) -> Scorer:
    return kdiqa.load(runs["re-distorted"])


@pytest.mark.parametrize("kind", KINDS)
def test_test_images_have_the_scores_that_their_run_stored(
    runs: dict[str, Path], root: Path, kind: str
) -> None:
    stored = pd.read_csv(runs[kind] / "predictions" / "test.csv")
    ours = kdiqa.load(runs[kind], seed_by="name").score([root / name for name in stored["id"]])
    np.testing.assert_allclose(ours, stored["score"], rtol=0, atol=1e-5)
    assert len(set(ours)) > 1


def test_predict_repeats_a_runs_own_table_with_files_of_one_name(
    tmp_path: Path, fake_data: Path
) -> None:
    live = fake_data / "live"  # an img1.bmp of each distortion
    own = ("data=live", f"data.root={live}")
    run = train(*STUDENT, *ALONE, *own, folder=tmp_path / "run")
    stored = pd.read_csv(run / "predictions" / "test.csv")
    assert stored["id"].map(lambda name: Path(name).name).duplicated().any()
    paths = [str(live / name) for name in stored["id"]]
    words = ["--model", str(run), "--seed-by", "name", "--workers", "0"]
    assert predict([*paths, *words, "-o", str(tmp_path / "scores.csv")]) == 0
    scores = pd.read_csv(tmp_path / "scores.csv").set_index("image")["score"]
    np.testing.assert_allclose(scores[paths], stored["score"], rtol=0, atol=1e-5)


def test_scores_off_the_nominal_range_are_not_clipped(runs: dict[str, Path]) -> None:
    scorer, pictures = kdiqa.load(runs["no second image"]), [picture(i) for i in range(3)]
    inside = scorer.score(pictures)
    scorer.label = replace(scorer.label, scale="zscore", mean=-3.0, std=1.0)
    below = scorer.score(pictures)
    np.testing.assert_allclose(below, np.subtract(inside, 3), rtol=0, atol=1e-6)
    assert max(below) < 0
    assert len(set(below)) == 3


def test_where_no_draw_matters_the_stored_scores_need_no_names(tmp_path: Path, root: Path) -> None:
    words = ("second=none", "data.test_crops.mode=center", "data.test_crops.num=1")
    one = ("num_crops=1", "data.train_crops.num=1")
    folder = train(*STUDENT, *ALONE, *one, *words, f"data.root={root}", folder=tmp_path / "run")
    stored = pd.read_csv(folder / "predictions" / "test.csv")
    ours = kdiqa.load(folder).score([root / name for name in stored["id"]])
    np.testing.assert_allclose(ours, stored["score"], rtol=0, atol=1e-5)


def test_draws_follow_from_the_pixels_and_not_from_the_name(
    scorer: Scorer, tmp_path: Path
) -> None:
    one = write(tmp_path / "one.png", picture(1, 90, 120))
    copy = write(tmp_path / "ein Bild – zwei.bmp", picture(1, 90, 120))
    other = write(tmp_path / "other.png", picture(2, 90, 120))
    scores = scorer.score([one, copy, other])
    assert scores[0] == scores[1] != scores[2]


def test_an_image_has_one_score_however_it_is_given(scorer: Scorer, tmp_path: Path) -> None:
    pixels = picture(3, 70, 80)
    path = write(tmp_path / "a.png", pixels)
    planes = torch.from_numpy(pixels).permute(2, 0, 1)
    given = [path, str(path), pixels, planes, planes / 255, Image.fromarray(pixels)]
    scores = scorer.score(given)
    assert len(set(scores)) == 1
    assert scorer.score(pixels[:, ::-1][:, ::-1]) == scores[0]


def test_a_score_depends_on_no_batch_and_no_order(scorer: Scorer) -> None:
    pictures = [picture(i, 60 + i, 80) for i in range(5)]
    alone = scorer.score(pictures)
    views = [scorer.views(one) for one in pictures[::-1]]
    batch = {name: torch.stack([view[name] for view in views]) for name in views[0]}
    together = scorer.predict(batch).tolist()[::-1]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)
    assert scorer.score(pictures) == alone


def test_units_are_those_of_the_data_sets_authors(scorer: Scorer) -> None:
    pixels = picture(4)
    assert scorer.score(pixels, units=True) == pytest.approx(9 * scorer.score(pixels))


def test_a_large_image_is_shrunk_before_it_is_distorted_whole(runs: dict[str, Path]) -> None:
    large, seen = picture(0, 120, 160), []
    views = kdiqa.load(runs["re-distorted"], max_pixels=60 * 80).views
    views.pairs["second"].pipeline = lambda image, seed: seen.append(image.shape) or image
    views(large)
    assert seen == [(60, 80, 3)]
    plain = kdiqa.load(runs["no second image"], max_pixels=60 * 80).views
    unbounded = Views(plain.crops, plain.pairs, plain.seed, max_pixels=large.size)
    assert torch.equal(plain(large)["image"], unbounded(large)["image"])


def test_models_that_would_score_otherwise_have_other_digests(runs: dict[str, Path]) -> None:
    folder = runs["re-distorted"]
    digests = {kdiqa.load(run).digest for run in runs.values()}
    assert len(digests) == len(runs)
    assert kdiqa.load(folder).digest == kdiqa.load(folder / "checkpoints" / "best.ckpt").digest
    assert kdiqa.load(folder).digest != kdiqa.load(folder, seed_by="name").digest


def test_a_teacher_is_refused(tmp_path: Path, root: Path) -> None:
    words = (*TEACHER, "trainer.max_epochs=1", "module.net.backbone.weights=random")
    folder = train(*words, f"data.root={root}", folder=tmp_path / "teacher")
    path = folder / "checkpoints" / "best.ckpt"
    message = (
        f"'{path}' is a teacher: it compares an image with its pristine reference, which no"
        " other image has.\nGive the run folder of a student; train one with: python -m"
        f" kdiqa.train experiment=akd_demo teacher={path}"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kdiqa.load(folder)


def test_a_checkpoint_builds_no_other_class(runs: dict[str, Path], tmp_path: Path) -> None:
    checkpoint = Checkpoint.read(runs["re-distorted"]).content
    hostile = "_target_: kdiqa.distortions.redistort.official9"
    assert hostile in checkpoint["kdiqa"]["config"]
    checkpoint["kdiqa"]["config"] = checkpoint["kdiqa"]["config"].replace(
        hostile, "_target_: os.system"
    )
    torch.save(checkpoint, tmp_path / "hostile.ckpt")
    message = (
        f"Nothing of '{tmp_path / 'hostile.ckpt'}' is built: it asks for 'os.system', and a file"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        kdiqa.load(tmp_path / "hostile.ckpt")


WRONG = {
    "A tensor of torch.float32 (3, 4, 4) is no image. Give (3, H, W), uint8 or floats in [0, 1];"
    " of several images, a list.": torch.full((3, 4, 4), 2.0),
    "A tensor of torch.uint8 (4, 4, 3) is no image. Give (3, H, W), uint8 or floats in [0, 1];"
    " of several images, a list.": torch.zeros(4, 4, 3, dtype=torch.uint8),
    "No image can be made of (8, 8). Give a path, an array (H, W, 3), a tensor (3, H, W), a"
    " Pillow image, or a list of them.": np.zeros((8, 8), np.uint8),
    "No image can be made of NoneType. Give a path, an array (H, W, 3), a tensor (3, H, W), a"
    " Pillow image, or a list of them.": None,
    "An array of float64 (8, 8, 3) is no image. Give uint8 RGB, (H, W, 3).": np.zeros((8, 8, 3)),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_no_image_is_named(scorer: Scorer, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        scorer.score(WRONG[message])


def test_pixels_have_no_name_to_draw_by(runs: dict[str, Path]) -> None:
    message = (
        "This scorer draws its crops by file name, and pixels have none. Give it a path, or load"
        " it with seed_by='content'."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kdiqa.load(runs["re-distorted"], seed_by="name").score(picture(0))
    message = "seed_by is 'time'; it is one of: content, name."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kdiqa.load(runs["re-distorted"], seed_by="time")


def test_grey_and_turned_files_are_scored_as_a_viewer_shows_them(
    scorer: Scorer, tmp_path: Path
) -> None:
    Image.fromarray(picture(5)[..., 0]).save(tmp_path / "grey.png")
    assert scorer.score(tmp_path / "grey.png") == scorer.score(read_rgb(tmp_path / "grey.png"))


def test_the_package_waits_for_no_library() -> None:
    code = "import sys, kdiqa; assert not {'torch', 'numpy'} & set(sys.modules), kdiqa.load"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_packages_names_are_loaded_when_asked_for() -> None:
    for name in kdiqa.__all__:
        assert getattr(kdiqa, name)
    other = "save"
    with pytest.raises(AttributeError, match=f"^module 'kdiqa' has no attribute '{other}'$"):
        getattr(kdiqa, other)
