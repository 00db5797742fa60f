"""The graph cuts what the run cuts: OpenCV's pixels, for any size of picture."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import ModelProto
from torch.nn import functional as F

from kdiqa.data.crops import Crops
from kdiqa.export.crops import STATIC, preprocessing
from kdiqa.export.graph import cells
from tests.fakes import noisy, picture

SIZES = (
    (90, 120),
    (40, 30),
    (64, 64),
    (128, 128),
    (300, 77),
    (51, 200),
    (50, 50),
    (3, 400),
    (1, 1),
)
POLICIES = {
    "full": Crops(mode="full", size=64),
    "center": Crops(mode="center", size=50),
    "center of a short side": Crops(mode="center", size=50, resize=71),
    "five": Crops(5, 50, "five"),
    "ten": Crops(10, 50, "ten", resize=70),
    "one of a grid": Crops(1, 32, "grid"),
    "seven of a grid": Crops(7, 32, "grid"),
    "twelve of a grid": Crops(12, 32, "grid", resize=101),
}


def run(model: ModelProto, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.asarray(session.run(None, {model.graph.input[0].name: image})[0])


@pytest.mark.parametrize("name", POLICIES)
def test_crops_are_those_of_the_run_but_for_a_rounding_here_and_there(name: str) -> None:
    crops = POLICIES[name]
    model = preprocessing(crops)
    for height, width in SIZES:
        image = noisy(picture(1, height, width), 20, 1)
        ours = run(model, image[None])[0].transpose(0, 2, 3, 1)
        theirs = crops({"image": image}, seed=0)["image"].astype(float)
        assert ours.shape == theirs.shape
        # A weight's last bit decides where a pixel lies half way between two levels.
        assert np.abs(ours - theirs).max() <= 1, (height, width)
        assert (ours != theirs).mean() < 0.08, (height, width)


def test_every_static_mode_is_tried() -> None:
    assert {crops.mode for crops in POLICIES.values()} == set(STATIC)


def test_images_of_a_batch_and_planes_first_are_cut_alike() -> None:
    images = np.stack([picture(i, 70, 90) for i in range(3)])
    crops = Crops(5, 50, "five", resize=60)
    model = preprocessing(crops)
    together = run(model, images)
    assert together.shape == (3, 5, 3, 50, 50)
    for image, one in zip(images, together, strict=True):
        assert np.array_equal(run(model, image[None])[0], one)
    planes = run(preprocessing(crops, channels_first=True), images.transpose(0, 3, 1, 2))
    assert np.array_equal(planes, together)


@pytest.mark.parametrize(("side", "grid"), [(5, 7), (10, 7), (40, 7), (7, 7), (1, 7), (9, 1)])
def test_cells_are_those_of_adaptive_pooling(side: int, grid: int) -> None:
    level = torch.randn(2, 3, side, side + 3, dtype=torch.float64)
    rows, columns = (torch.from_numpy(cells(n, grid)).double() for n in (side, side + 3))
    expected = F.adaptive_avg_pool2d(level, grid)
    assert torch.allclose(rows @ level @ columns.T, expected, atol=1e-6)
