"""A contact sheet of the images that scored worst."""

from collections.abc import Sequence
from pathlib import Path

from numpy.typing import NDArray
from PIL import Image as Pillow

from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.figures.contact_sheet import Tile, thumbnail, tiled
from kdiqa.scorer.rows import Row

SHOWN = 48
COLUMNS = 8


def worst(rows: Sequence[Row]) -> list[Row]:
    """Returns the rows with a score, worst first."""
    scored = [(row.score, row.image, row) for row in rows if row.score is not None]
    return [row for _, _, row in sorted(scored)]


def draw(rows: Sequence[Row]) -> Pillow.Image:
    """Returns the contact sheet of the worst images, from the top left on, each with its score.

    Args:
        rows: Of all images; those without a score are left out.
    """
    ranked = worst(rows)
    tiles = [
        Tile(_thumbnail(Path(row.image)), f"{rank}.  {row.score:.3f}", _name(row.image))
        for rank, row in enumerate(ranked[:SHOWN], start=1)
    ]
    title = f"The worst {len(tiles)} of {len(ranked)} images, worst first; score in [0, 1]"
    return Pillow.fromarray(tiled(tiles, COLUMNS, title))


def _thumbnail(path: Path) -> NDArray | None:
    try:
        return thumbnail(read_rgb(path))
    except ImageReadError:  # it was there when it was scored
        return None


def _name(path: str) -> str:
    return Path(path).name.encode("utf-8", "replace").decode()
