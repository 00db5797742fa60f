import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kdiqa.data.crops import Crops
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.pairing import Redistorted, Reference, ReferenceOrRedistorted
from kdiqa.data.pairs.pool import Pool
from kdiqa.data.record import Record
from tests.fakes import noisy, picture, write


class CountedNoise:
    """A re-distortion that counts how often it is asked."""

    def __init__(self, strength: float = 30) -> None:
        self.strength = strength
        self.description = f"white noise, deviation {strength}"
        self.calls = 0

    def __call__(self, image: np.ndarray, seed: int) -> np.ndarray:
        self.calls += 1
        return noisy(image, self.strength, seed)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Returns an image that is two pixels smaller than its reference is in another record."""
    reference = write(tmp_path / "i01.png", picture(0))
    image = write(tmp_path / "i01_01_1.png", noisy(picture(0), 20))
    return Record(image, 0.5, "i01", reference)


def test_a_reference_is_read_next_to_its_image(record: Record) -> None:
    np.testing.assert_array_equal(Reference()(read_rgb(record.image), record, 0), picture(0))
    assert Reference().files([record]) == [record.reference]


def test_a_missing_reference_is_refused_before_the_work_starts(record: Record) -> None:
    alone = Record(Path("photo.jpg"), 0.5, "photo")
    Reference().check([record])
    message = (
        "1 of 2 images have no reference, the first is 'photo.jpg'. Take a data set with "
        "references\n(data=tid2013, data=kadid10k), or pair by kdiqa.data.pairs.pairing.Redistorted, "
        "which needs none."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Reference().check([record, alone])


def test_a_reference_of_another_size_is_refused(record: Record, tmp_path: Path) -> None:
    image = write(tmp_path / "small.png", picture(0, 46, 64))
    small = Record(image, 0.5, "i01", record.reference)
    message = (
        f"'{image}' is 64×46 and its reference '{record.reference}' 64×48. Restore the authors' "
        "files: an aligned pair has one size."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Reference()(read_rgb(image), small, 0)


def test_a_cached_redistortion_is_made_once_and_is_the_same(
    record: Record, tmp_path: Path
) -> None:
    image, pipeline = read_rgb(record.image), CountedNoise()
    cached = Redistorted(pipeline, cache=tmp_path / "cache")
    cached.check([record])
    first, again = cached(image, record, 3), cached(image, record, 3)
    np.testing.assert_array_equal(first, noisy(image, 30, 3))
    np.testing.assert_array_equal(first, again)
    assert pipeline.calls == 1
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".png"]


@pytest.mark.parametrize("way", ["cut", "altered", "empty"])
def test_a_damaged_redistortion_is_computed_anew(
    record: Record, tmp_path: Path, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    image, pipeline = read_rgb(record.image), CountedNoise()
    cached = Redistorted(pipeline, cache=tmp_path / "cache")
    cached.check([record])
    first = cached(image, record, 3)
    (path,) = (tmp_path / "cache").iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes({"cut": data[:-30], "altered": data, "empty": b""}[way])
    for _ in range(2):
        np.testing.assert_array_equal(cached(image, record, 3), first)
    assert pipeline.calls == 2


def test_the_cache_tells_seeds_pipelines_and_contents_apart(
    record: Record, tmp_path: Path
) -> None:
    weak, strong = CountedNoise(10), CountedNoise(60)
    for pipeline in (weak, strong):
        cached = Redistorted(pipeline, cache=tmp_path / "cache")
        cached.check([record])
        for seed in (0, 1):
            cached(read_rgb(record.image), record, seed)
    write(record.image, picture(9))
    cached(read_rgb(record.image), record, 0)
    assert (weak.calls, strong.calls) == (2, 3)


def test_the_cache_knows_a_copy_of_the_data(record: Record, tmp_path: Path) -> None:
    pipeline = CountedNoise()
    cached = Redistorted(pipeline, cache=tmp_path / "cache")
    cached.check([record])
    cached(read_rgb(record.image), record, 0)
    copy = tmp_path / "node" / record.image.name
    copy.parent.mkdir()
    shutil.copyfile(record.image, copy)  # with a time of its own
    cached(read_rgb(copy), Record(copy, 0.5, "i01"), 0)
    assert pipeline.calls == 1


def test_a_cache_that_cannot_be_made_is_refused_before_the_work_starts(record: Record) -> None:
    cache = record.image / "cache"
    message = (
        f"No folder can be created at '{cache}' for re-distorted images: Not a directory. Set cache "
        "to one that can be written, or cache: null."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Redistorted(CountedNoise(), cache=cache).check([record])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"where": "crop", "aligned": False},
            "Re-distorted crops are aligned with the crops they are computed from, here aligned: "
            "false. Set where: image, or aligned: true.",
        ),
        (
            {"seed_mode": "random", "cache": "cache"},
            "Only a re-distortion that stays the same can be cached, here seed_mode: random, "
            "where: image.\nSet seed_mode: per_image and where: image, or cache: null.",
        ),
        (
            {"where": "crop", "cache": "cache"},
            "Only a re-distortion that stays the same can be cached, here seed_mode: per_image, "
            "where: crop.\nSet seed_mode: per_image and where: image, or cache: null.",
        ),
        (
            {"where": "crops"},
            "where is 'crops'; it is one of: image, crop.",
        ),
        (
            {"seed_mode": "per_batch"},
            "seed_mode is 'per_batch'; it is one of: per_image, per_epoch, random.",
        ),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Redistorted(CountedNoise(), **arguments)


def test_only_an_image_without_reference_is_redistorted(record: Record) -> None:
    image = read_rgb(record.image)
    mixed = ReferenceOrRedistorted(Redistorted(CountedNoise()))
    np.testing.assert_array_equal(mixed(image, record, 5), picture(0))
    alone = Record(record.image, 0.5, "i01")
    np.testing.assert_array_equal(mixed(image, alone, 5), noisy(image, 30, 5))
    assert mixed.files([record, alone]) == [record.reference]


def test_a_mixed_pair_is_made_of_whole_images() -> None:
    message = (
        "A reference is cropped from the whole image, and so must be what stands in for it, here "
        "where: crop. Set where: image."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ReferenceOrRedistorted(Redistorted(CountedNoise(), where="crop"))


def test_a_pool_draws_by_the_seed_from_all_its_images(record: Record, tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    for i in range(4):
        write(folder / f"{i // 2}" / f"{i}.png", picture(i))
    (folder / "readme.txt").touch()
    pool = Pool(folder)
    image = read_rgb(record.image)
    drawn = [pool(image, record, seed) for seed in range(40)]
    assert {view.tobytes() for view in drawn} == {picture(i).tobytes() for i in range(4)}
    np.testing.assert_array_equal(drawn[7], Pool(folder)(image, record, 7))
    assert len(pool.files([record])) == 4
    assert not pool.aligned


def test_an_empty_pool_is_refused_before_the_work_starts(tmp_path: Path) -> None:
    message = (
        f"No image in '{tmp_path}/none' for non-aligned references. Unpack pristine photographs "
        "there,\nfor instance DIV2K_train_HR from https://data.vision.ee.ethz.ch/cvl/DIV2K/\n"
        "or set pool to the folder where they are."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Pool(tmp_path / "none", crops=Crops(2, 16)).check([])


@pytest.mark.parametrize("bank", [0, 4])
def test_a_bank_that_the_pool_does_not_hold_is_refused(bank: int, tmp_path: Path) -> None:
    for i in range(3):
        write(tmp_path / f"{i}.png", picture(i))
    message = (
        f"A bank of {bank} images cannot be chosen from the 3 in '{tmp_path}'. Set bank to 1 to "
        "3, or bank: null."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Pool(tmp_path, bank=bank).check([])
