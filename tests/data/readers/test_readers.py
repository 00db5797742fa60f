import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hydra.utils import get_class
from omegaconf import OmegaConf

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.pairing import Reference
from kdiqa.data.readers.biq2021 import BIQ2021
from kdiqa.data.readers.files import FileIndex
from kdiqa.data.readers.kadid10k import KADID10k
from kdiqa.data.readers.koniq10k import KonIQ10k
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.record import Record
from kdiqa.data.source import DatasetNotFoundError
from tests.fakes import FAKES

CONF = Path(__file__).resolve().parents[3] / "conf" / "data"


def reader_of(name: str) -> type[IQADataModule]:
    target = OmegaConf.load(CONF / f"{name}.yaml")["_target_"]
    return get_class(target)  # type: ignore[return-value]


READERS = {name: reader_of(name) for name in sorted(FAKES)}


def ready(data: IQADataModule) -> IQADataModule:
    data.setup()
    return data


def labels(reader: type[IQADataModule], root: Path, **options: object) -> list[Record]:
    """Returns what a reader finds in label files alone, as the authors give it."""
    data = reader(root, **options)  # type: ignore[arg-type]
    data.files = FileIndex(root)
    return list(data.read())


@pytest.mark.parametrize("name", READERS)
def test_a_reader_knows_its_facts_and_finds_its_files(name: str, fake_data: Path) -> None:
    reader = READERS[name]
    assert reader.name == name
    own = name == "folder"  # one's own images come from nowhere
    assert reader.homepage.startswith(("https://", "http://")) or own
    assert reader.licence
    assert reader.layout
    data = ready(reader(fake_data / name))
    assert set(data.assignment.subsets) == {"train", "val", "test"}
    assert all(record.content == record.content.casefold() for record in data.records)


@pytest.mark.parametrize("name", READERS)
def test_a_folder_around_the_download_and_another_case_change_nothing(
    name: str, fake_data: Path, tmp_path: Path
) -> None:
    nested = tmp_path / name / "Unpacked"
    shutil.copytree(fake_data / name, nested)
    for path in sorted(nested.rglob("*"), key=lambda path: -len(path.parts)):
        path.rename(path.with_name(path.name.swapcase()))
    plain, other = (ready(READERS[name](root)) for root in (fake_data / name, tmp_path / name))
    assert plain.digest == other.digest


@pytest.mark.parametrize("name", ["kadid10k", "tid2013"])
def test_synthetic_data_sets_have_aligned_references(name: str, fake_data: Path) -> None:
    data = ready(READERS[name](fake_data / name, pairs={"reference": Reference()}))
    assert len({record.content for record in data.records}) == 6
    for record in data.records:
        assert record.reference is not None
        assert record.reference.stem.casefold() == record.content
        assert read_rgb(record.reference).shape == read_rgb(record.image).shape


def test_biq2021_keeps_its_official_test_part(fake_data: Path) -> None:
    data = ready(BIQ2021(fake_data / "biq2021"))
    sources = {record.name: record.distortion for record in data.records}
    assert all(name.casefold().startswith(f"{source} (") for name, source in sources.items())
    assert Counter(data.assignment.subsets) == {"train": 18, "val": 2, "test": 6}
    assert data.assignment.subsets[20:] == ["test"] * 6
    assert data.records[0].mos == 0.9


def test_tid2013_reads_distortion_and_level_from_the_name(fake_data: Path) -> None:
    record = labels(TID2013, fake_data / "tid2013")[4]
    assert record.image.name == "i01_08_2.bmp"
    assert (record.content, record.distortion, record.level) == ("i01", "08", 2)
    assert record.mos == 4.1


def test_kadid10k_takes_its_dmos_for_what_they_are(fake_data: Path) -> None:
    data = ready(KADID10k(fake_data / "kadid10k"))
    assert (data.records[0].distortion, data.records[0].level) == ("01", 1)
    assert data.records[0].mos > data.records[2].mos  # level 1 looks better than level 3
    assert data.records[0].mos == pytest.approx((4.1 - 1) / 4)


def test_koniq10k_has_two_sizes_and_two_labels(fake_data: Path) -> None:
    root = fake_data / "koniq10k"
    large = labels(KonIQ10k, root)
    small = labels(KonIQ10k, root, image_size="512x384", label="mos_5")
    assert read_rgb(large[3].image).shape == (48, 64, 3)
    assert read_rgb(small[3].image).shape == (24, 32, 3)
    for one, other in zip(large, small, strict=True):
        assert one.mos == pytest.approx(25 * (other.mos - 1))
        assert one.split == other.split
    counts = Counter(record.split for record in large)
    assert counts == {"train": 16, "val": 4, "test": 4}


def test_koniq10k_without_official_parts_is_split_by_image(
    fake_data: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(fake_data / "koniq10k", tmp_path / "koniq10k"))
    with_sets = labels(KonIQ10k, root)
    (root / "koniq10k_distributions_sets.csv").unlink()
    without = labels(KonIQ10k, root)
    assert [record.mos for record in without] == [record.mos for record in with_sets]
    message = (
        "24 of 24 images have no official split, the first is '1000.jpg'. "
        "Set data.split_by=content or data.split_by=image."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        KonIQ10k(root).setup()
    data = ready(KonIQ10k(root, split_by="image"))
    assert Counter(data.assignment.subsets) == {"train": 17, "val": 2, "test": 5}


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("mos_100", "koniq10k_distributions_sets.csv"),
        ("mos_5", "koniq10k_scores_and_distributions.csv"),
    ],
)
def test_koniq10k_names_the_label_file_it_wants(tmp_path: Path, label: str, wanted: str) -> None:
    message = (
        f"KonIQ10k lacks '{wanted}' in '{tmp_path}'. Unpack it there from\n{KonIQ10k.homepage}, "
        "or set data.root (now from data.root) to where it is."
    )
    with pytest.raises(DatasetNotFoundError, match=f"^{re.escape(message)}$"):
        KonIQ10k(tmp_path, label=label).setup()  # type: ignore[arg-type]


def test_koniq10k_tells_an_unknown_label_and_size() -> None:
    message = "label is 'mos'; it is one of: mos_100, mos_5."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        KonIQ10k("x", label="mos")  # type: ignore[arg-type]
    message = "image_size is '1024'; it is one of: 1024x768, 512x384."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        KonIQ10k("x", image_size="1024")  # type: ignore[arg-type]


# What follows reads real label files and images, where they lie next to the checkout.


def test_the_real_biq2021_subset_is_read(shared_data: Path) -> None:
    data = ready(BIQ2021(shared_data / "biq2021_subset"))
    assert Counter(record.split for record in data.records) == {"train": 1600, "test": 400}
    assert Counter(data.assignment.subsets) == {"train": 1440, "val": 160, "test": 400}


def test_the_real_tid2013_part_is_read_with_its_references(shared_data: Path) -> None:
    root = shared_data / "tid2013_partial"
    data = ready(TID2013(root, pairs={"reference": Reference()}))
    assert len(data.records) == 171
    assert len({record.content for record in data.records}) == 12
    assert len(set(Reference().files(data.records))) == 12
    with (root / "provenance.csv").open(newline="") as file:
        facts = {row["dist_img"]: row for row in csv.DictReader(file)}
    for record in data.records:
        fact = facts[record.image.name]
        assert record.mos * 9 == pytest.approx(float(fact["mos"]))
        assert record.reference is not None
        assert record.reference.name == fact["ref_img"]
        assert int(record.distortion or 0) == int(fact["dist_type"])
        assert record.level == int(fact["level"])


@pytest.mark.parametrize(
    ("name", "options", "facts"),
    [
        ("tid2013", {}, (3000, 0.2424, 7.2143, 4.4747)),
        ("koniq10k", {}, (10073, 3.9118, 88.3889, 58.7296)),
        ("koniq10k", {"label": "mos_5"}, (10073, 1.125, 4.3636, 3.1609)),
        ("kadid10k", {}, (10125, 1.0, 4.93, 3.0326)),
    ],
)
def test_the_real_label_files_have_the_known_count_and_range(
    shared_data: Path,
    tmp_path: Path,
    name: str,
    options: dict[str, str],
    facts: tuple[int, float, float, float],
) -> None:
    root = Path(shutil.copytree(shared_data / "labels" / name, tmp_path / name))
    if name == "kadid10k":  # rebuilt from copies, under a name of its own
        (root / "dmos_reconstructed.csv").rename(root / "dmos.csv")
    records = labels(READERS[name], root, **options)
    scores = [record.mos for record in records]
    assert len(scores) == facts[0]
    observed = (min(scores), max(scores), sum(scores) / len(scores))
    assert observed == pytest.approx(facts[1:], abs=1e-4)
    lower, upper = READERS[name](root, **options).mos_range  # type: ignore[arg-type]
    assert lower <= min(scores) <= max(scores) <= upper
    if name == "koniq10k":
        counts = Counter(record.split for record in records)
        assert counts == {"train": 7058, "val": 1000, "test": 2015}
    else:
        assert len({record.content for record in records}) == {"tid2013": 25, "kadid10k": 81}[name]


def test_the_real_koniq10k_images_are_found_and_the_others_are_missed(shared_data: Path) -> None:
    root = shared_data / "minis" / "koniq10k"
    for size, count, shape in [("1024x768", 12, (768, 1024, 3)), ("512x384", 3, (384, 512, 3))]:
        present = [r.image for r in labels(KonIQ10k, root, image_size=size) if r.image.exists()]
        assert len(present) == count
        assert {read_rgb(path).shape for path in present} == {shape}
    message = (
        rf"^KonIQ10k lacks 10061 of 10073 images, the first is '\S+' in '{re.escape(str(root))}'\."
        rf" Unpack it there from\n{re.escape(KonIQ10k.homepage)}, or set data\.root \(now from"
        r" data\.root\) to where it is\.$"
    )
    with pytest.raises(DatasetNotFoundError, match=message):
        KonIQ10k(root).setup()
