import re
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import OmegaConf
from skimage.metrics import peak_signal_noise_ratio as psnr

from kdiqa.distortions.compression import jpeg_pixels
from kdiqa.distortions.kadid import KADID
from kdiqa.distortions.redistort import (
    Pipeline,
    kadid_max,
    none,
    official9,
    official22,
    paper3p,
    random5,
    single,
)
from kdiqa.distortions.steps import GaussianBlur, GaussianNoise, Jpeg, generator
from kdiqa.distortions.synthetic import kadis

Pixels = NDArray[np.uint8]
CONF = Path(__file__).resolve().parents[2] / "conf" / "redistort"
PRESETS = [none(), official9(), official22(), random5(), paper3p(), kadid_max(), single("jpeg"), kadis(),
           official9(photometric_floor=True)]  # fmt: skip
every_preset = pytest.mark.parametrize("pipeline", PRESETS, ids=lambda pipeline: pipeline.name)


@every_preset
@pytest.mark.parametrize("shape", [(96, 128), (65, 33), (24, 24)])
def test_preset_keeps_shape_dtype_and_input(
    pipeline: Pipeline, shape: tuple[int, int], astronaut: Pixels
) -> None:
    image = astronaut[100 : 100 + shape[0], 200 : 200 + shape[1]]  # a view: not contiguous
    result = pipeline(image, seed=0)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert not np.shares_memory(result, image)


@every_preset
def test_same_seed_gives_the_same_image(pipeline: Pipeline, astronaut: Pixels) -> None:
    image = astronaut[:64, 200:264]
    np.testing.assert_array_equal(pipeline(image, seed=5), pipeline(image, seed=5))


@pytest.mark.parametrize("pipeline", [official9(), official22(), random5(), paper3p(), kadid_max()],
                         ids=lambda pipeline: pipeline.name)  # fmt: skip
def test_other_seed_gives_another_image(pipeline: Pipeline, astronaut: Pixels) -> None:
    image = astronaut[:64, 200:264]
    assert (pipeline(image, seed=5) != pipeline(image, seed=6)).any()


def test_none_returns_the_image_itself(astronaut: Pixels) -> None:
    np.testing.assert_array_equal(none()(astronaut, seed=0), astronaut)


def degraded(image: Pixels, how: str) -> Pixels:
    rng = generator(9)
    return {
        "blur": lambda: GaussianBlur(5.0)(image, rng),
        "noise": lambda: GaussianNoise(0.01)(image, rng),
        "jpeg 43": lambda: jpeg_pixels(image, 43),
        "jpeg 4": lambda: jpeg_pixels(image, 4),
        "half as bright": lambda: (image // 2).astype(np.uint8),
    }[how]()


@pytest.mark.parametrize("how", ["blur", "noise", "jpeg 43", "jpeg 4"])
def test_official9_forgets_blur_noise_and_compression(how: str, astronaut: Pixels) -> None:
    redistort = official9()
    for seed in range(3):
        reference = redistort(astronaut, seed)
        assert psnr(reference, redistort(degraded(astronaut, how), seed)) >= 25


def test_official9_keeps_darkness_unless_on_the_photometric_floor(astronaut: Pixels) -> None:
    dark = degraded(astronaut, "half as bright")
    plain, floor = official9(), official9(photometric_floor=True)
    assert psnr(plain(astronaut, 0), plain(dark, 0)) < 15  # the known limit of the method
    assert psnr(floor(astronaut, 0), floor(dark, 0)) > 30


def test_random5_takes_five_steps_in_an_order_of_the_seed(astronaut: Pixels) -> None:
    steps = [Jpeg(quality) for quality in (5, 10, 20)]
    drawn = {Pipeline(steps, choose=1)(astronaut[:64, :64], seed).tobytes() for seed in range(20)}
    alone = {Pipeline([step])(astronaut[:64, :64], 0).tobytes() for step in steps}
    assert drawn == alone
    assert random5().choose == 5
    assert len(random5().steps) == len(official22().steps) == 22


def test_description_names_all_that_matters() -> None:
    assert official9().description == (
        "official9, version 1: GaussianBlur(radius=2.0), MotionBlur(length=24, horizontal=None), "
        "Jpeg(quality=24), GaussianNoise(variance=0.05), ImpulseNoise(density=0.02), "
        "Resample(factor=8, filter='bicubic'), Resample(factor=8, filter='bilinear'), "
        "Resample(factor=5, filter='nearest'), "
        "Resample(factor=1.7566381221207739, filter='nearest')"
    )
    descriptions = [pipeline.description for pipeline in PRESETS]
    descriptions += [official9(2).description, random5(choose=4).description]
    descriptions += [single(kind.id, level).description for kind in KADID for level in (1, 4)]
    assert len(set(descriptions)) == len(descriptions)


@pytest.mark.parametrize("name", sorted({path.stem for path in CONF.glob("*.yaml")} - {"none"}))
def test_preset_comes_from_its_config(name: str, astronaut: Pixels) -> None:
    pipeline = instantiate(OmegaConf.load(CONF / f"{name}.yaml"))
    assert pipeline.name.split()[0] == name
    assert pipeline(astronaut[:32, :32], seed=1).shape == (32, 32, 3)


def test_there_is_a_config_for_every_preset() -> None:
    stems = {path.stem for path in CONF.glob("*.yaml")}
    # An image as it is has its own word: second=none.
    assert stems | {"none"} == {pipeline.name.split()[0] for pipeline in PRESETS}


def test_pipeline_of_own_steps_comes_from_a_config(astronaut: Pixels) -> None:
    config = OmegaConf.create(
        {
            "_target_": "kdiqa.distortions.redistort.Pipeline",
            "steps": [
                {"_target_": "kdiqa.distortions.steps.GaussianBlur", "radius": 2.0},
                {"_target_": "kdiqa.distortions.resampling.Resample", "factor": 4},
            ],
        }
    )
    pipeline = instantiate(config)
    assert pipeline.description == (
        "custom, version 1: GaussianBlur(radius=2.0), Resample(factor=4, filter='bicubic')"
    )
    assert pipeline(astronaut, 0).shape == astronaut.shape


def test_float_image_is_refused() -> None:
    message = (
        "A pipeline takes uint8 RGB (H, W, 3), not float64 (8, 8, 3). "
        "Read the image with kdiqa.data.images.read.read_rgb."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        official9()(np.zeros((8, 8, 3)), 0)


def test_level_index_out_of_range_is_told() -> None:
    message = (
        "level_index is 5, but amounts are numbered 0 (mild) to 4 (strong). "
        "The official ones are 3 for official9 and 4 for official22 and random5."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        official9(5)


def test_more_steps_than_there_are_cannot_be_chosen() -> None:
    with pytest.raises(ValueError, match=r"^choose=3 of 1 steps\. Give 1 to 1\.$"):
        Pipeline([Jpeg(5)], choose=3)


@pytest.mark.parametrize("preset", [kadid_max, lambda level: single("jpeg", level)])
def test_level_of_a_preset_is_checked(preset: type) -> None:
    with pytest.raises(ValueError, match=r"^(gaussian_blur|jpeg) has levels 1 to 5, not 0\.$"):
        preset(level=0)
