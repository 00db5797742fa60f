"""The worst images come first, each with its score."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from kdiqa.scorer.rows import Row
from kdiqa.scorer.sheet import draw, worst

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def test_the_worst_images_come_first_and_unread_ones_not_at_all(tmp_path: Path) -> None:
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 40), colour).save(tmp_path / f"{name}.png")
    scores = {"green": 0.9, "red": 0.1, "blue": 0.5, "gone": None}
    rows = [Row(str(tmp_path / f"{n}.png"), s, None, "", "m") for n, s in scores.items()]
    assert [Path(row.image).stem for row in worst(rows)] == ["red", "blue", "green"]
    sheet = draw(rows)
    seen = [sheet.getpixel((124 + 234 * index, 64)) for index in range(3)]
    assert seen == [COLOURS["red"], COLOURS["blue"], COLOURS["green"]]
