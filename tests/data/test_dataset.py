import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from kdiqa.data.crops import Crops, official_augmentation
from kdiqa.data.dataset import IQADataset, to_tensor
from kdiqa.data.images.read import read_rgb, write_image
from kdiqa.data.pairs.pairing import Pairing, Redistorted, Reference
from kdiqa.data.pairs.pool import Pool
from kdiqa.data.record import Record
from kdiqa.data.sampler import EpochSampler
from tests.fakes import noisy

Sample = dict[str, Tensor]


class Noise:
    """A re-distortion that is quick and depends on its seed."""

    description = "white noise, deviation 40"

    def __call__(self, image: np.ndarray, seed: int) -> np.ndarray:
        return noisy(image, 40, seed)


@pytest.fixture
def records(fake_data: Path) -> list[Record]:
    """Returns distorted images with their references."""
    folder = fake_data / "kadid10k" / "images"
    images = sorted(path for path in folder.iterdir() if path.stem.count("_") == 2)[:7]
    return [
        Record(path, 0.1 * i, path.stem[:3], reference=folder / f"{path.stem[:3]}.png")
        for i, path in enumerate(images)
    ]


PAIRS: dict[str, Callable[[], Pairing]] = {
    "reference": Reference,
    "second": lambda: Redistorted(Noise(), seed_mode="per_epoch"),
    "official": lambda: Redistorted(
        Noise(),
        seed_mode="random",
        aligned=False,
        crops=Crops(2, 16, transforms=official_augmentation()),
    ),
    "crop": lambda: Redistorted(Noise(), seed_mode="per_epoch", where="crop"),
}


def build(records: list[Record], training: bool = True, seed: int = 0) -> IQADataset:
    pairs = {name: make() for name, make in PAIRS.items()}
    pairs["pool"] = Pool(records[0].image.parent)
    return IQADataset(records, Crops(2, 16, flip=True), pairs, seed, training)


def epochs(
    dataset: IQADataset, num_workers: int, count: int = 3, batch_size: int = 3
) -> list[Sample]:
    """Returns the samples of some epochs, each as one batch in the order of the records."""
    sampler = EpochSampler(len(dataset), shuffle=dataset.training, seed=1)
    loader = DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
    )
    everything = []
    for epoch in range(count):
        sampler.set_epoch(epoch)
        batches = list(loader)
        joined = {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}
        order = joined["index"].argsort()
        everything.append({name: values[order] for name, values in joined.items()})
    return everything


def test_a_sample_holds_crops_of_the_image_and_of_each_pair(records: list[Record]) -> None:
    sample = build(records)[0]
    assert set(sample) == {"image", *PAIRS, "pool", "mos", "index"}
    for name in ("image", *PAIRS):
        assert sample[name].shape == (2, 3, 16, 16)
        assert sample[name].dtype == torch.uint8
        assert sample[name].is_contiguous()
    assert sample["mos"].dtype == torch.float32
    assert sample["index"].dtype == torch.int64


@pytest.mark.parametrize("training", [True, False])
def test_every_draw_is_the_same_whatever_the_number_of_workers(
    records: list[Record], training: bool
) -> None:
    alone = epochs(build(records, training), num_workers=0)
    for num_workers, batch_size in ((1, 3), (4, 2), (0, 7)):
        shared = epochs(build(records, training), num_workers, batch_size=batch_size)
        for one, other in zip(alone, shared, strict=True):
            for name in one:
                assert torch.equal(one[name], other[name]), name


def test_a_sample_is_the_same_whatever_was_read_before_it(records: list[Record]) -> None:
    for training in (True, False):
        first = {key: build(records, training)[key] for key in range(14)}
        dataset = build(records, training)
        for key in reversed(range(14)):
            sample = dataset[key]
            for name in sample:
                assert torch.equal(sample[name], first[key][name]), name


def test_a_test_next_to_a_bank_shows_the_images_alone_and_training_all_images(
    records: list[Record], tmp_path: Path
) -> None:
    for i in range(8):
        write_image(tmp_path / f"{i}.png", np.full((20, 20, 3), i, np.uint8))
    pairs = {"second": Pool(tmp_path, bank=3)}
    dataset = IQADataset(records * 9, Crops(1, 16), pairs, 0)
    assert {int(dataset[key]["second"][0, 0, 0, 0]) for key in range(63)} == set(range(8))
    assert set(IQADataset(records, Crops(1, 16), pairs, 0, False)[0]) == {"image", "mos", "index"}


def test_tiles_of_a_image_of_another_size_take_turns(
    records: list[Record], tmp_path: Path
) -> None:
    for height in (20, 200):
        write_image(tmp_path / "a.png", np.zeros((height, 20, 3), np.uint8))
        crops = Crops(1, 16, "tiles")
        sample = IQADataset(records, crops, {"second": Pool(tmp_path)}, 0, False)[0]
        assert sample["second"].shape == sample["image"].shape == (12, 3, 16, 16)


def test_training_differs_between_epochs_images_and_seeds(records: list[Record]) -> None:
    first, second, _ = epochs(build(records), num_workers=0)
    other = epochs(build(records, seed=1), num_workers=0)[0]
    for name in ("image", *PAIRS, "pool"):
        assert not torch.equal(first[name], second[name]), name
        assert not torch.equal(first[name], other[name]), name
        assert not torch.equal(first[name][0], first[name][1]), name


def test_evaluation_repeats_itself_in_all_but_what_is_random_by_choice(
    records: list[Record],
) -> None:
    first, second, _ = epochs(build(records, training=False), num_workers=0)
    assert [name for name in first if not torch.equal(first[name], second[name])] == ["official"]


def test_an_evaluated_image_is_cropped_by_its_name_whoever_stands_next_to_it(
    records: list[Record],
) -> None:
    everything, part = build(records, training=False), build(records[3:], training=False)
    for name in ("image", "reference", "second", "crop", "pool"):
        assert torch.equal(everything[3][name], part[0][name]), name


def test_the_reference_is_cropped_where_the_image_is(records: list[Record]) -> None:
    same = [Record(r.image, r.mos, r.content, reference=r.image) for r in records]
    for key in range(14):
        sample = build(same)[key]
        assert torch.equal(sample["image"], sample["reference"])


def test_crops_of_another_place_are_drawn_by_themselves(records: list[Record]) -> None:
    plain = Redistorted(lambda image, seed: image, aligned=False)  # type: ignore[arg-type]
    for training in (True, False):
        dataset = IQADataset(records, Crops(2, 16), {"second": plain}, 0, training)
        assert not torch.equal(dataset[0]["image"], dataset[0]["second"])


def test_evaluation_leaves_out_the_augmentation_of_a_pair(records: list[Record]) -> None:
    white = Redistorted(
        lambda image, seed: np.full_like(image, 255),  # type: ignore[arg-type]
        aligned=False,
        crops=Crops(2, 16, transforms=official_augmentation()),
    )
    views = [IQADataset(records, Crops(2, 16), {"x": white}, 0, t)[0]["x"] for t in (True, False)]
    assert [bool((view == 0).any()) for view in views] == [True, False]


def test_a_crop_is_distorted_after_it_was_cut(records: list[Record]) -> None:
    mean = Redistorted(
        lambda image, seed: np.full_like(image, image.mean()),  # type: ignore[arg-type]
        where="crop",
    )
    sample = IQADataset(records, Crops(2, 16), {"second": mean}, 0)[0]
    means = sample["image"].float().mean(dim=(1, 2, 3)).to(torch.uint8)
    assert torch.equal(sample["second"], means[:, None, None, None].expand(2, 3, 16, 16))


def test_two_names_of_one_pairing_show_the_same(records: list[Record]) -> None:
    for options in ({}, {"aligned": False}, {"where": "crop"}):
        pairs = {n: Redistorted(Noise(), "random", **options) for n in ("second", "reference")}
        sample = IQADataset(records, Crops(2, 16), pairs, 0)[9]
        assert torch.equal(sample["second"], sample["reference"])


def test_index_says_where_a_record_stands_in_the_whole(records: list[Record]) -> None:
    dataset = IQADataset(records[:3], Crops(1, 16), {}, 0, positions=[40, 2, 7])
    assert [int(dataset[key]["index"]) for key in range(6)] == [40, 2, 7, 40, 2, 7]
    moved = IQADataset(records[1:2], Crops(1, 16), {}, 0, positions=[2])
    assert torch.equal(dataset[1]["image"], moved[0]["image"])


def test_to_tensor_puts_the_channels_first() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)
    assert torch.equal(to_tensor(crops), torch.from_numpy(crops).permute(0, 3, 1, 2))


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_damaged_file_stops_the_work_by_its_name(
    records: list[Record], tmp_path: Path, num_workers: int
) -> None:
    path = tmp_path / "damaged.png"
    data = bytearray(records[0].image.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    dataset = IQADataset([*records, Record(path, 0.5, "x")], Crops(1, 16), {}, 0)
    message = f"Cannot read the image '{path}': broken data stream when reading image file. Unpack that file again."
    # From a worker it comes with that process's traceback before it.
    everything = (
        f"^{re.escape(message)}$"
        if not num_workers
        else rf"(?s)^Caught .*: {re.escape(message)}\n?$"
    )
    with pytest.raises(RuntimeError, match=everything):
        list(DataLoader(dataset, num_workers=num_workers))


def test_whole_images_keep_their_size(records: list[Record]) -> None:
    sample = IQADataset(records, Crops(1, None, "full"), {}, 0)[0]
    expected = torch.from_numpy(read_rgb(records[0].image)).permute(2, 0, 1)
    assert torch.equal(sample["image"][0], expected)
