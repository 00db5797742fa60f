"""A bank of references is the same images in the same crops, wherever and whenever it is drawn."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kdiqa.batch import Pyramid
from kdiqa.data.cache.features import PyramidCache
from kdiqa.data.crops import Crops
from kdiqa.data.dataset import IQADataset, references_of
from kdiqa.data.pairs.pairing import Reference
from kdiqa.data.pairs.pool import WHERE, Pool, bank_metadata, with_banks
from kdiqa.data.record import Record
from tests.fakes import picture, write

CROPS = Crops(2, 16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(8):
        write(tmp_path / "pool" / f"{i % 2}" / f"{i}.png", picture(i))
    return tmp_path / "pool"


def crops_of(pool: Pool) -> Tensor:
    references = references_of({"": pool}, CROPS, 0)
    assert references is not None
    return torch.stack([references[place]["image"] for place in range(len(references))])


def test_a_bank_is_the_same_in_every_copy_of_the_pool(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    one, other = Pool(folder, bank=3), Pool(copy, bank=3)
    assert one.metadata() == other.metadata()
    assert torch.equal(crops_of(one), crops_of(other))
    assert torch.equal(crops_of(one), crops_of(one))
    assert len(one.metadata()["ids"]) == 3
    assert re.fullmatch(r"[0-9a-f]{16}", one.metadata()["digest"])


def test_banks_of_other_seeds_are_other_images(folder: Path) -> None:
    banks = [tuple(Pool(folder, bank=3, bank_seed=seed).metadata()["ids"]) for seed in range(20)]
    assert len(set(banks)) > 10
    assert (
        len({Pool(folder, bank=3, bank_seed=seed).metadata()["digest"] for seed in range(20)}) > 10
    )


def test_a_larger_bank_holds_the_smaller_one(folder: Path) -> None:
    ids = [set(Pool(folder, bank=count).metadata()["ids"]) for count in (1, 5, 8)]
    assert ids[0] < ids[1] < ids[2]


def test_a_bank_by_names_does_not_change_when_the_pool_grows(folder: Path) -> None:
    metadata = Pool(folder, bank=3).metadata()
    for i in range(8, 30):
        write(folder / f"{i}.png", picture(i))
    assert Pool(folder, bank=3).metadata() != metadata
    pool = Pool(folder, bank=metadata["ids"], digest=metadata["digest"])
    pool.check([])
    assert pool.metadata() == metadata


def test_what_a_checkpoint_keeps_of_banks_brings_them_back(folder: Path, tmp_path: Path) -> None:
    pools = {"second": Pool(folder, bank=2, bank_seed=4), "other": Pool(folder), "x": Reference()}
    metadata = bank_metadata(pools)
    assert metadata == {"second": pools["second"].metadata()}
    nodes = {"second": {"folder": "/gone", "bank": 2, "bank_seed": 4}, "other": {"folder": "/x"}}
    configs = with_banks(nodes, metadata, tmp_path / "pool")
    assert configs["other"] == nodes["other"]
    assert Pool(**configs["second"]).metadata() == metadata["second"]
    assert with_banks(nodes, metadata, None)["second"]["folder"] == "/gone"
    assert with_banks(nodes, {}, tmp_path) == nodes


def test_only_a_pool_with_a_bank_gives_references(folder: Path) -> None:
    assert references_of({"a": Reference(), "b": Pool(folder)}, CROPS, 0) is None
    bank = references_of({"a": Pool(folder), "b": Pool(folder, bank=4)}, CROPS, 0)
    assert bank is not None
    assert len(bank) == 4
    assert Pool(folder).evaluated() is not None
    assert Pool(folder, bank=1).evaluated() is None


def test_missing_references_are_refused(folder: Path, tmp_path: Path) -> None:
    metadata = Pool(folder, bank=3).metadata()
    message = (
        f"3 of the 3 references of the bank are not in '{tmp_path / 'moved'}', the first is"
        f" '{metadata['ids'][0]}'. Give the folder that holds them:\nkdiqa.load(RUN, pool=FOLDER),"
        " kdiqa predict --pool FOLDER, or kdiqa evaluate pool=FOLDER."
    )
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        Pool(tmp_path / "moved", bank=metadata["ids"]).check([])


def test_other_files_under_the_names_of_the_references_are_refused(folder: Path) -> None:
    metadata = Pool(folder, bank=3).metadata()
    write(folder / metadata["ids"][1], picture(99))
    now = Pool(folder, bank=metadata["ids"]).metadata()["digest"]
    message = (
        f"The bank's 3 references in '{folder}' bear the right names and are other files (digest"
        f" {now}, not {metadata['digest']}). {WHERE}"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Pool(folder, bank=metadata["ids"], digest=metadata["digest"]).check([])


class Means:
    """A backbone that says each crop's mean colour."""

    dims, grid, frozen, mean = [3], 1, True, torch.zeros(1)

    def __call__(self, images: list[Tensor]) -> list[Pyramid]:
        return [[image.float().mean(dim=(3, 4), keepdim=True)] for image in images]

    def digest(self) -> str:
        return "means"

    def to(self, device: object) -> None:
        """Stays where it is."""


@pytest.mark.parametrize("training", [True, False])
def test_kept_features_are_drawn_from_the_pool_as_its_images_are(
    folder: Path, tmp_path: Path, training: bool
) -> None:
    for i in range(3):
        write(tmp_path / "images" / f"{i}.png", picture(20 + i))
    records = [Record(tmp_path / "images" / f"{i}.png", 0.5, str(i)) for i in range(3)]
    full = Crops(1, 16, "full")
    plain = IQADataset(records, full, {"second": Pool(folder)}, 0, training)
    cache = PyramidCache(tmp_path / "cache", views=2)
    cached = cache.dataset(plain, Means(), 3, "text", 0, "pool")  # type: ignore[arg-type]
    assert cached.names == ("image",)  # no image of the pool is cached with every image
    for key in range(12):
        fresh, stored = plain[key], cached[key]["pyramids"]
        for name in ("image", "second"):
            mean = fresh[name].float().mean(dim=(2, 3), keepdim=True)
            torch.testing.assert_close(stored[name][0], mean, atol=0.1, rtol=0)
    drawn = {float(cached[key]["pyramids"]["second"][0][0, 0, 0, 0]) for key in range(12)}
    assert len(drawn) > 2


def test_a_bank_is_read_by_no_image_of_a_cached_test(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "0.png", picture(20))
    records = [Record(tmp_path / "0.png", 0.5, "0")]
    plain = IQADataset(records, CROPS, {"second": Pool(folder, bank=2)}, 0, False)
    cached = PyramidCache(tmp_path / "cache").dataset(plain, Means(), 1, "text", 0)  # type: ignore[arg-type]
    assert set(cached[0]["pyramids"]) == {"image"}
    assert not cached.pools
