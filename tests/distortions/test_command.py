import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from kdiqa.distortions.__main__ import main


@pytest.mark.parametrize("arguments", [[], ["--presets"]], ids=["types", "presets"])
def test_command_writes_a_picture(
    arguments: list[str],
    tmp_path: Path,
    astronaut: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("kdiqa.distortions.__main__.KADID_TILE", 32)
    monkeypatch.setattr("kdiqa.distortions.__main__.PRESET_TILE", 32)
    photo, sheet = tmp_path / "photo.jpg", tmp_path / "sheet.png"
    Pillow.fromarray(astronaut).save(photo)
    main([str(photo), "-o", str(sheet), *arguments])
    with Pillow.open(sheet) as picture:
        assert picture.width > 300
        assert picture.height > 7 * 32
        assert f"{sheet}: {picture.width} x {picture.height} pixels" in capsys.readouterr().out


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    return re.sub(r"(?s).*error: ", "", capsys.readouterr().err)


def test_missing_image_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none.png"
    message = f"Cannot read the image '{path}': no such file. Look at its path.\n"
    assert fails([str(path)], capsys) == message


def test_file_that_is_no_image_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no image")
    fault = "its bytes are of no known image format. Unpack that file again.\n"
    assert fails([str(path)], capsys) == f"Cannot read the image '{path}': {fault}"


def test_truncated_image_is_told(
    tmp_path: Path, astronaut: NDArray[np.uint8], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.jpg"
    Pillow.fromarray(astronaut).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    fault = "JPEG cut short, no end marker. Unpack that file again.\n"
    assert fails([str(path)], capsys) == f"Cannot read the image '{path}': {fault}"


def test_output_that_cannot_be_written_is_told_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(["-o", str(tmp_path / "sheet.doc")], capsys) == (
        "No image format ends in '.doc'. Give --output a .png or .jpg.\n"
    )
    assert fails(["-o", str(tmp_path / "no" / "sheet.png")], capsys) == (
        f"No folder {tmp_path / 'no'} to write sheet.png to. Make it first.\n"
    )
    assert fails(["--seed", "-1"], capsys) == "--seed is -1, but seeds count from 0.\n"
