"""Writes a contact sheet: ``python -m kdiqa.distortions photo.jpg -o sheet.png``."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.random import default_rng
from PIL import Image as Pillow
from skimage import data

from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.distortions import redistort
from kdiqa.distortions.kadid import KADID, distort
from kdiqa.distortions.pixels import Pixels, to_float, to_uint8
from kdiqa.figures.contact_sheet import grid, square

KADID_TILE = 192  # pixels, the side of one example, shown one to one
PRESET_TILE = 320
LEVELS = (1, 2, 3, 4, 5)


def kadid_sheet(image: Pixels, seed: int = 0, mapmm: bool = True) -> Pixels:
    """Returns the image of the 25 types, a row each, by their five levels.

    Every example is made at the size at which it is shown.
    """
    pristine = square(image, KADID_TILE)
    floats = to_float(pristine)
    rows: list[tuple[str, Sequence[Pixels]]] = [("original", [pristine])]
    for kind in KADID:
        examples = [distort(floats, kind, level, default_rng(seed), mapmm) for level in LEVELS]
        rows.append((f"{kind.id} {kind.name}".replace("_", " "), list(map(to_uint8, examples))))
    levels = [f"level {level}" for level in LEVELS]
    return np.hstack([grid(levels, rows[:13]), grid(levels, rows[13:])])


def preset_sheet(image: Pixels, seed: int = 0) -> Pixels:
    """Returns the image of the presets, a row each.

    The columns show another seed, an image of half the brightness, and both images on the
    photometric floor.
    """
    pristine = square(image, PRESET_TILE)
    dark = to_uint8(0.5 * to_float(pristine))
    rows: list[tuple[str, Sequence[Pixels]]] = []
    for preset in (
        *(redistort.none(), redistort.official9(), redistort.official22(), redistort.random5()),
        *(redistort.paper3p(), redistort.kadid_max(), redistort.single("jpeg")),
    ):
        floor = replace(preset, photometric_floor=True)
        results = [preset(pristine, seed), preset(pristine, seed + 1), preset(dark, seed)]
        results += [floor(pristine, seed), floor(dark, seed)]
        rows.append((preset.name, results))
    columns = [f"seed {seed}", f"seed {seed + 1}", "half as bright", "floor", "half, floor"]
    return grid(columns, rows)


def check_output(path: Path) -> None:
    """Raises ``OSError`` where an image's folder is missing, or its ending names no format."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"No folder {path.parent} to write {path.name} to. Make it first.")
    if Pillow.registered_extensions().get(path.suffix.lower()) not in Pillow.SAVE:
        raise OSError(f"No image format ends in {path.suffix!r}. Give --output a .png or .jpg.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the sheet that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="kdiqa distortions",
        description="Write one image of the 25 distortions of KADID-10k at their five levels, "
        "or of the re-distortion presets.",
    )
    parser.add_argument("image", nargs="?", type=Path, help="default: scikit-image's astronaut")
    parser.add_argument("-o", "--output", type=Path, help="default: kadid.png or presets.png")
    parser.add_argument("--presets", action="store_true", help="show the re-distortion presets")
    parser.add_argument("--seed", type=int, default=0, help="of all random draws, default 0")
    parser.add_argument(
        "--no-mapmm", action="store_true", help="leave out the stretch to the full range"
    )
    options = parser.parse_args(arguments)
    output = options.output or Path("presets.png" if options.presets else "kadid.png")
    if options.seed < 0:
        parser.error(f"--seed is {options.seed}, but seeds count from 0.")
    try:
        check_output(output)
        image = read_rgb(options.image) if options.image else data.astronaut()
    except (OSError, ImageReadError) as error:
        parser.error(str(error))
    if options.presets:
        sheet = preset_sheet(image, options.seed)
    else:
        sheet = kadid_sheet(image, options.seed, not options.no_mapmm)
    Pillow.fromarray(sheet).save(output)
    print(f"{output}: {sheet.shape[1]} x {sheet.shape[0]} pixels")


if __name__ == "__main__":
    main()
