"""Images in a page: of the run's own data and of no other file, whatever its rows name."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kdiqa.report.inline import extremes
from kdiqa.report.runs import read_tests
from tests.report.made import write_images, write_run

SECRET = (255, 0, 255)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    write_images(root)
    write_run(tmp_path / "run", root=root)
    (tmp_path / "elsewhere").mkdir()
    Image.new("RGB", (64, 48), SECRET).save(tmp_path / "elsewhere" / "own.png")
    (root / "link.png").symlink_to(tmp_path / "elsewhere" / "own.png")
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "run"


def shown(run: Path, name: str, rows: int) -> list[tuple[int, ...]]:
    """Returns the colours of a page's images, once rows name one file."""
    table = run / "predictions" / "test.csv"
    changed = pd.read_csv(table)
    changed.loc[changed.index[:rows], "id"] = name
    changed.to_csv(table, index=False)
    best, worst = extremes(read_tests({"run": run})[0])
    data = [base64.b64decode(image.source.partition(",")[2]) for image in (*best, *worst)]
    return [tuple(np.asarray(Image.open(io.BytesIO(one)))[5, 5]) for one in data]


@pytest.mark.parametrize(
    "name",
    ["{}/elsewhere/own.png", "../elsewhere/own.png", "link.png", "folder/own.png", "own.png"],
)
@pytest.mark.parametrize("rows", [4, 1000])
def test_no_row_shows_a_file_outside_of_the_data(
    name: str, rows: int, run: Path, tmp_path: Path
) -> None:
    colours = shown(run, name.format(tmp_path), rows)
    assert not [colour for colour in colours if abs(int(colour[0]) - SECRET[0]) < 9 > colour[1]]
    assert bool(colours) == (rows == 4)  # the others are shown all the same
