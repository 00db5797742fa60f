"""Makes the pictures that the bundled student learns from, and their pseudo MOS.

``python -m experiments.bundled.ladders OUT [--photographs FOLDER]``. Pristine photographs are cut
into tiles; each tile stands on ladders of distortions, five steps each, and gets a few chains of
two to four distortions, as a camera and a web page make them. Scores are no opinions: they follow
from the mean deviation similarity index of each tile to its pristine self.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import skimage
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from rich.progress import track

from experiments.bundled.deviation import mdsi
from kdiqa.data.crops import Crops
from kdiqa.data.images.read import read_rgb, write_image
from kdiqa.data.seeds import derive_seed
from kdiqa.distortions.kadid import KADID, Distortion, distort, find
from kdiqa.distortions.pixels import to_uint8

Image = NDArray[np.uint8]
COLUMNS = ("image", "mos", "ref", "content", "split", "distortion", "level")
TILE = 192  # pixels
WORST = 0.65  # the index at which a pseudo MOS is 0
ALWAYS = ("gaussian_blur", "jpeg2000", "jpeg", "white_noise")
DRAWN = 7  # of the other types, for each tile
CHAINS = 10  # for each tile
LINKS = (  # of a chain, in the order in which they happen to a photograph
    ("gaussian_blur", "lens_blur", "motion_blur"),
    ("brighten", "darken", "contrast_change", "saturation_lab"),
    ("white_noise", "white_noise_ycbcr", "multiplicative_noise"),
    ("pixelate", "denoise", "high_sharpen"),
    ("jpeg", "jpeg", "jpeg2000"),
)
# Files inside scikit-image's wheel that are photographs in the public domain, CC0, or without
# known restrictions, by its own documentation.
PHOTOS = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png"),
    *("grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "retina.jpg", "rocket.jpg"),
)


def main() -> None:
    """Writes OUT/images, OUT/references and OUT/labels.csv."""
    parser = argparse.ArgumentParser("python -m experiments.bundled.ladders")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    parser.add_argument("--photographs", type=Path, metavar="FOLDER", help="further pristine ones")
    options = parser.parse_args()
    photos = sources(options.photographs)
    for name in ("images", "references"):
        (options.out / name).mkdir(parents=True)
    rows = [row for photo in track(photos, "Distorting") for row in of_photo(options.out, photo)]
    parts = split(sorted({row[3] for row in rows}))
    with (options.out / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        whole = ((*row[:4], parts[row[3]], *row[4:]) for row in rows)
        csv.writer(file).writerows([COLUMNS, *whole])


def sources(folder: Path | None) -> list[Path]:
    """Returns scikit-image's photographs and those of a folder."""
    inside = Path(skimage.__file__).parent / "data"
    return [inside / name for name in PHOTOS] + sorted(folder.glob("*.png") if folder else [])


def split(contents: list[str]) -> dict[str, str]:
    """Returns the part of each photograph: of eight in a row one validates and one tests."""
    parts = {0: "val", 4: "test"}
    return {content: parts.get(i % 8, "train") for i, content in enumerate(contents)}


def of_photo(folder: Path, photo: Path) -> list[tuple[str, ...]]:
    """Writes all pictures of a photograph, and returns their rows but for the part."""
    ours = photo.parent.name == "data"
    scales = (None,) if ours else (1.0, 0.6)
    pristine = [tile for scale in scales for tile in tiles(read_rgb(photo), scale)]
    rows: list[tuple[str, ...]] = []
    for place, tile in enumerate(pristine):
        stem = f"{photo.stem}_{place}"
        reference = f"references/{stem}.png"
        write_image(folder / reference, tile)
        for name, image, kind, level in versions(stem, tile):
            path = f"images/{name}.png"
            write_image(folder / path, image)
            score = f"{pseudo_score(image, tile):.6f}"
            rows.append((path, score, reference, photo.stem, kind, level))
    return rows


def tiles(image: Image, scale: float | None) -> list[Image]:
    """Returns tiles that cover a photograph once, shrunk first so that it is sharp.

    Args:
        image: The photograph.
        scale: By how much; None for what makes an old scan sharp.
    """
    short = min(image.shape[:2])
    share = max(TILE / short, min(0.55, 256 / short) if scale is None else scale)
    if share < 1:
        image = np.asarray(cv2.resize(image, None, fx=share, fy=share,
                                      interpolation=cv2.INTER_AREA), np.uint8)  # fmt: skip
    count = max(1, round(image.shape[0] * image.shape[1] / TILE**2))
    return list(Crops(min(count, 4), TILE, "grid")({"image": image}, seed=0)["image"])


def versions(stem: str, tile: Image) -> Iterator[tuple[str, Image, str, str]]:
    """Yields name, pixels, distortion and level of all versions of a tile."""
    rng = default_rng(derive_seed("bundled", stem))
    yield f"{stem}_pristine", tile, "pristine", "0"
    others = [kind.name for kind in KADID if kind.name not in ALWAYS]
    for kind in (*ALWAYS, *rng.choice(others, DRAWN, replace=False)):
        for level in range(1, 6):
            made = to_uint8(distort(tile / 255.0, str(kind), level, rng, mapmm=False))
            yield f"{stem}_{kind}_{level}", made, str(kind), str(level)
    for number in range(CHAINS):
        yield f"{stem}_chain_{number}", chain(tile, rng), "chain", ""


def chain(tile: Image, rng: Generator) -> Image:
    """Returns a tile after two to four distortions of amounts between the levels."""
    links = sorted(rng.choice(len(LINKS), int(rng.integers(2, 5)), replace=False))
    image = tile / 255.0
    for link in links:
        kind = find(str(rng.choice(LINKS[link])))
        image = distort(image, between(kind, rng), 1, rng, mapmm=False)
    return to_uint8(image)


def between(kind: Distortion, rng: Generator) -> Distortion:
    """Returns a type whose first level is drawn between its levels 1 and 4."""
    place = rng.uniform(0, 3)
    amount = float(np.interp(place, range(5), kind.levels))
    amount = round(amount) if kind.name == "jpeg" else amount
    return Distortion(kind.id, kind.name, kind.group, (amount, *kind.levels[1:]), kind.apply)


def pseudo_score(image: Image, reference: Image) -> float:
    """Returns a pseudo MOS in [0, 1], higher is better."""
    return float(max(0.0, 1 - (mdsi(image, reference) / WORST) ** 2))


if __name__ == "__main__":
    main()
