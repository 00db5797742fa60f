"""Evaluation and a scorer cut an image and its pairs alike, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from kdiqa.data.crops import Crops, official_augmentation
from kdiqa.data.dataset import IQADataset
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.jnd import Itself, JNDNoise
from kdiqa.data.pairs.pairing import Pairing, Redistorted, ReferenceOrRedistorted
from kdiqa.data.pairs.pool import Pool
from kdiqa.data.record import Record
from kdiqa.scorer.views import Views
from tests.data.test_dataset import Noise

CROPS = {
    "random": Crops(3, 16, flip=True),
    "grid": Crops(4, 16, "grid", transforms=official_augmentation()),
    "five": Crops(5, 16, "five"),
    "squeezed": Crops(1, 16, "full"),
    "whole": Crops(1, None, "full"),
    "tiles": Crops(1, 24, "tiles"),
}
PAIRS: dict[str, Callable[[Path], Pairing]] = {
    "per image": lambda folder: Redistorted(Noise()),
    "per epoch": lambda folder: Redistorted(Noise(), "per_epoch"),
    "crop": lambda folder: Redistorted(Noise(), where="crop"),
    "non-aligned": lambda folder: Redistorted(Noise(), aligned=False, crops=Crops(3, 16)),
    "either": lambda folder: ReferenceOrRedistorted(Redistorted(Noise(), aligned=False)),
    "pool": lambda folder: Pool(folder),
    "bank": lambda folder: Pool(folder, bank=2),
    "noise": lambda folder: JNDNoise(),
    "itself": lambda folder: Itself(),
}


@pytest.mark.parametrize("crops", CROPS.values(), ids=CROPS)
def test_a_scorer_sees_the_crops_of_an_evaluation(crops: Crops, fake_data: Path) -> None:
    folder = fake_data / "kadid10k" / "images"
    image = folder / "I01_01_02.png"
    pairs = {name: make(folder) for name, make in PAIRS.items()}
    evaluated = IQADataset([Record(image, 0.5, "i01")], crops, pairs, seed=3, training=False)[0]
    scored = Views(crops, pairs, 3, "name")(read_rgb(image), image.name)
    assert scored.keys() == evaluated.keys() - {"mos", "index"} == {"image", *pairs} - {"bank"}
    for name, view in scored.items():
        assert torch.equal(view, evaluated[name]), name
