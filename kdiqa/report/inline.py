"""Images as a page carries them: inside it, as data URIs."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.figures.contact_sheet import thumbnail
from kdiqa.files.plain import below
from kdiqa.report.grid import number
from kdiqa.report.runs import Tested, dataset_of

MAX_DOTS = 1500  # more make an SVG heavier than pixels
THUMBNAIL = 160  # pixels, the longer side
EXTREMES = 6


@dataclass(frozen=True)
class InlineImage:
    """What an `<img>` needs, and the text below it."""

    source: str
    alt: str
    caption: str


def chart(
    figure: Figure | None, alt: str, caption: str, pixels: bool = False
) -> InlineImage | None:
    """Returns a figure as an image of the page: the same bytes whenever it is drawn again.

    Args:
        figure: None returns None.
        alt: Describes it to who cannot see it.
        caption: Printed below.
        pixels: As PNG, where there is too much in it for SVG.
    """
    if figure is None:
        return None
    data = io.BytesIO()
    if pixels:
        figure.savefig(data, format="png", dpi=200, metadata={"Software": None})
        return InlineImage(uri(data, "image/png"), alt, caption)
    with mpl.rc_context({"svg.hashsalt": "kdiqa", "svg.fonttype": "path"}):
        figure.savefig(data, format="svg", metadata={"Date": None, "Creator": None})
    return InlineImage(uri(data, "image/svg+xml"), alt, caption)


def extremes(test: Tested) -> tuple[list[InlineImage], list[InlineImage]]:
    """Returns thumbnails of the images whose scores are nearest to their MOS, and farthest.

    Both are empty where the image files are no longer where the run read them.

    Args:
        test: One run on one data set.
    """
    rows, root = test.rows, (test.config.get("data") or {}).get("root")
    if rows is None or "id" not in rows or root is None or test.dataset != dataset_of(test.config):
        return [], []
    folder = _folder(Path(str(root)).expanduser(), str(rows["id"].iloc[0]))
    ranked = rows.loc[(rows["score"] - rows["mos"]).abs().sort_values(kind="stable").index]
    best, worst = ranked[:EXTREMES], ranked[::-1][:EXTREMES]
    return list(_thumbnails(best, folder)), list(_thumbnails(worst, folder))


def _folder(root: Path, name: str) -> Path:
    """Returns where the images lie: in the data's root, or in a folder below it."""
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    folders = [folder for folder in folders if folder.resolve().is_relative_to(root.resolve())]
    return next((folder for folder in [root, *folders] if below(folder, name)), root)


def uri(data: io.BytesIO, kind: str) -> str:
    """Returns bytes as a data URI of a media type."""
    return f"data:{kind};base64,{base64.b64encode(data.getvalue()).decode()}"


def _thumbnails(rows: pd.DataFrame, root: Path) -> Iterator[InlineImage]:
    for row in rows.to_dict("records"):
        path = below(root, str(row["id"]))
        try:
            small = None if path is None else thumbnail(read_rgb(path), THUMBNAIL)
        except ImageReadError:
            small = None
        if small is None:  # elsewhere, gone or damaged: its row stands in the CSV
            continue
        data = io.BytesIO()
        Image.fromarray(small).save(data, "JPEG", quality=70)
        values = f"score {number(row['score'])}, MOS {number(row['mos'])}"
        kind = row.get("distortion")
        name = f"{Path(str(row['id'])).name}{f', {kind}' if isinstance(kind, str) else ''}"
        yield InlineImage(uri(data, "image/jpeg"), f"{name}: {values}", f"{name}\n{values}")
