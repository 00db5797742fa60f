import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from kdiqa.data.images.read import read_rgb
from kdiqa.doctor import __main__ as doctor
from kdiqa.doctor.datasets import data_module, read
from kdiqa.doctor.duplicates import compared_files
from tests.fakes import write


def found(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict]:
    code = doctor.main(["duplicates", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def koniq(fake_data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fake_data / "koniq10k", tmp_path / "koniq10k"))


def test_a_data_set_of_different_pictures_has_no_pairs(
    capsys: pytest.CaptureFixture[str], fake_data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    code, said = found(capsys, "koniq10k", fake_data / "koniq10k", "-o", output)
    assert (code, said["pairs"], said["listed"], said["compared"]) == (0, [], 24, 24)
    assert said["picture"] is None
    assert not output.exists()


@pytest.mark.parametrize("change", ["same", "mirrored", "smaller", "darker"])
def test_a_picture_that_is_there_twice_is_found_and_drawn(
    capsys: pytest.CaptureFixture[str], koniq: Path, tmp_path: Path, change: str
) -> None:
    image = read_rgb(koniq / "1024x768" / "1003.jpg")
    other = {
        "same": image,
        "mirrored": np.ascontiguousarray(image[:, ::-1]),
        "smaller": np.asarray(cv2.resize(image, (44, 33), interpolation=cv2.INTER_AREA)),
        "darker": (0.7 * image).astype(np.uint8),
    }[change]
    write(koniq / "1024x768" / "1011.jpg", other)
    code, said = found(capsys, "koniq10k", koniq, "-o", tmp_path / "out")
    assert code == 1
    pairs = [(pair["first"], pair["second"]) for pair in said["pairs"]]
    assert pairs == [("1024x768/1003.jpg", "1024x768/1011.jpg")]
    assert said["pairs"][0]["correlation"] > 0.9
    with Image.open(said["picture"]) as sheet:
        assert sheet.width > 2 * 200


def test_the_table_names_the_pair(
    capsys: pytest.CaptureFixture[str], koniq: Path, tmp_path: Path
) -> None:
    shutil.copy(koniq / "1024x768" / "1003.jpg", koniq / "1024x768" / "1011.jpg")
    output = tmp_path / "out"
    assert doctor.main(["duplicates", "koniq10k", str(koniq), "--output", str(output)]) == 1
    shown = capsys.readouterr().out
    assert f"KonIQ10k in '{koniq}': 24 of 24 images compared, one pair looks alike" in shown
    assert "1024x768/1003.jpg  1024x768/1011.jpg  0           1.000" in shown
    assert f"  {output / 'duplicates.png'}\n" in shown


def test_references_are_compared_where_there_are_any(fake_data: Path) -> None:
    records = read(data_module("tid2013", fake_data / "tid2013"))
    assert len(compared_files(records)) == 6
    assert len(compared_files(records, images=True)) == 36


def test_images_of_one_content_are_no_pairs(
    capsys: pytest.CaptureFixture[str], fake_data: Path, tmp_path: Path
) -> None:
    root = fake_data / "tid2013"
    code, said = found(capsys, "tid2013", root, "--images", "-o", tmp_path / "out")
    assert (code, said["compared"], said["pairs"]) == (0, 36, [])


def test_missing_and_unreadable_pictures_are_left_out(
    capsys: pytest.CaptureFixture[str], koniq: Path, tmp_path: Path
) -> None:
    (koniq / "1024x768" / "1003.jpg").unlink()
    (koniq / "1024x768" / "1004.jpg").write_bytes(b"no picture")
    code, said = found(capsys, "koniq10k", koniq, "-o", tmp_path / "out")
    assert (code, said["listed"], said["compared"]) == (0, 24, 22)
