import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from kdiqa.data.readers.koniq10k import KonIQ10k
from kdiqa.doctor import __main__ as doctor
from kdiqa.doctor import stats
from kdiqa.doctor.datasets import data_module
from kdiqa.doctor.decode import decode, measure
from kdiqa.figures.contact_sheet import Tile
from tests.fakes import FAKES, picture, write


@pytest.mark.parametrize("name", sorted(FAKES))
def test_the_numbers_of_a_data_set_add_up(name: str, fake_data: Path) -> None:
    data = data_module(name, fake_data / name)
    numbers = stats.collect(data).numbers
    data.setup()
    assert numbers["images"] == numbers["readable"] == len(data.records)
    assert sum(numbers["sizes"].values()) == numbers["images"]
    parts = {part: row["images"] for part, row in numbers["parts"].items()}
    assert parts == {
        part: data.assignment.subsets.count(part) for part in ("train", "val", "test")
    }
    counted = sum(n for row in numbers["distortions"].values() for n in row.values())
    assert counted == sum(record.distortion is not None for record in data.records)


def test_distortions_are_counted_by_level_in_the_order_of_their_numbers(fake_data: Path) -> None:
    numbers = stats.collect(data_module("kadid10k", fake_data / "kadid10k")).numbers
    each = {"1": 6, "2": 6, "3": 6}
    assert list(numbers["distortions"].items()) == [("01", each), ("11", each)]
    assert numbers["sizes"] == {"64x48": 36}
    assert (numbers["contents"], numbers["references"]) == (6, 6)


def test_stats_draws_what_there_is_and_prints_the_numbers(
    capsys: pytest.CaptureFixture[str], fake_data: Path, tmp_path: Path
) -> None:
    arguments = ["stats", "tid2013", str(fake_data / "tid2013"), "--output", str(tmp_path)]
    assert doctor.main(arguments) == 0
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {"scores.png", "samples.png"}
    shown = capsys.readouterr().out
    assert "36 images listed, 36 there and readable, 6 contents, 6 references" in shown
    assert "sizes: 36 of 64x48" in shown
    lines = [line.split() for line in shown.splitlines()]
    assert ["distortion", "level", "1", "level", "2", "level", "3"] in lines
    assert ["08", "6", "6", "6"] in lines
    assert doctor.main([*arguments, "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["scores"]["lowest"] == 2.6
    assert {Path(path).name for path in numbers["pictures"]} == drawn


def test_stats_goes_as_far_as_the_files(fake_data: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fake_data / "koniq10k", tmp_path / "koniq10k"))
    (root / "1024x768" / "1003.jpg").unlink()
    (root / "1024x768" / "1004.jpg").write_bytes(b"no picture")
    write(root / "1024x768" / "1005.jpg", picture(5)[:, :32])
    data = KonIQ10k(root)
    found = stats.collect(data)
    assert (found.numbers["images"], found.numbers["readable"]) == (24, 22)
    assert found.numbers["sizes"] == {"64x48": 21, "32x48": 1}
    drawn = {path.name for path in stats.draw(data, found, tmp_path / "out")}
    assert drawn == {"scores.png", "samples.png"}


def test_samples_go_from_the_worst_score_to_the_best(
    fake_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_module("koniq10k", fake_data / "koniq10k")
    records = stats.collect(data).present
    shown: list[Tile] = []
    monkeypatch.setattr(stats, "tiled", lambda tiles, *rest: shown.extend(tiles))
    stats.samples(records, data)
    scores = [float(tile.first) for tile in shown]
    assert scores == sorted(scores)
    shown.clear()
    data.lower_is_better = True  # type: ignore[misc]
    stats.samples(records, data)
    assert [float(tile.first) for tile in shown] == scores[::-1]


def test_nothing_is_drawn_of_what_cannot_be_read(fake_data: Path, tmp_path: Path) -> None:
    shutil.copytree(fake_data / "koniq10k", tmp_path / "k", ignore=lambda *_: {"1024x768"})
    data = KonIQ10k(tmp_path / "k")
    statistics = stats.collect(data)
    assert (statistics.numbers["images"], statistics.numbers["readable"]) == (24, 0)
    assert [path.name for path in stats.draw(data, statistics, tmp_path)] == ["scores.png"]


def test_a_header_tells_the_size_of_a_turned_photograph_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(1)).save(tmp_path / "turned.jpg", exif=exif)
    assert measure(tmp_path / "turned.jpg") == decode(tmp_path / "turned.jpg").size == (48, 64)
