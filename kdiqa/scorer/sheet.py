"""A contact sheet of the images that scored worst."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image as Pillow

from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.figures.contact_sheet import Pixels, Tile, thumbnail, tiled
from kdiqa.scorer.rows import Row

SHOWN = 48
COLUMNS = 8


def worst(rows: Sequence[Row]) -> list[Row]:
    """Returns the rows with a score, worst first."""
    scored = [(row.score, row.image, row) for row in rows if row.score is not None]
    return [row for _, _, row in sorted(scored)]


def draw(rows: Sequence[Row]) -> Pillow.Image:
    """Returns the contact sheet of the worst images, from the top left on, each with its score."""
    ranked = worst(rows)
    tiles = []
    for rank, row in enumerate(ranked[:SHOWN], start=1):
        image: Pixels | None = None
        with suppress(ImageReadError):  # it was there when it was scored
            image = thumbnail(read_rgb(Path(row.image)))
        name = Path(row.image).name.encode("utf-8", "replace").decode()
        tiles.append(Tile(image, f"{rank}.  {row.score:.3f}", name))
    title = (
        f"The worst {len(tiles)} of {len(ranked)} images, worst first; score nominally in [0, 1]"
    )
    return Pillow.fromarray(tiled(tiles, COLUMNS, title))
