"""Draws the just-noticeable differences of an image: ``python -m kdiqa.jnd photo.jpg -o jnd.png``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.data.pairs.jnd import JNDNoise, threshold
from kdiqa.data.record import Record
from kdiqa.distortions.__main__ import check_output
from kdiqa.figures.contact_sheet import grid

TILE = 384  # pixels: the longer side of each image
BRIGHTEST = 20.0  # grey levels: the threshold in black, drawn white


def sheet(image: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """Returns the image, its thresholds, and the image with noise of 1 and of 4 of them.

    Where the model is right, the noise of one threshold is just about to be seen, at one pixel of
    the sheet to one of the screen.
    """
    scale = min(1.0, TILE / max(image.shape[:2]))
    shape = (round(scale * image.shape[1]), round(scale * image.shape[0]))
    small = np.asarray(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), np.uint8)
    thresholds = (255 / BRIGHTEST * threshold(small)).clip(0, 255).astype(np.uint8)
    record = Record(Path("photograph"), 0.0, "photograph")
    noisy = [JNDNoise(a, 0.0)(small, record, seed) for a in (1.0, 4.0)]
    names = ["photograph", f"threshold, white = {BRIGHTEST:g}", "noise of 1 JND", "of 4 JND"]
    tiles = [squared(tile) for tile in (small, thresholds.repeat(3, 2), *noisy)]
    return grid(names, [(f"mean {threshold(small).mean():.1f} levels", tiles)])


def squared(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns an image in the middle of a white square."""
    height, width = (TILE - side for side in image.shape[:2])
    edges = (height // 2, height - height // 2), (width // 2, width - width // 2), (0, 0)
    return np.pad(image, edges, constant_values=255)


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the image that the command line asks for."""
    parser = argparse.ArgumentParser(
        "kdiqa jnd",
        description="Draw the just-noticeable difference of each pixel of a photograph, and the"
        " photograph with noise of that size.",
    )
    parser.add_argument("image", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("jnd.png"))
    parser.add_argument("--seed", type=int, default=0, help="of the noise, default 0")
    options = parser.parse_args(arguments)
    if options.seed < 0:
        parser.error(f"--seed is {options.seed}, but seeds count from 0.")
    try:
        check_output(options.output)
        image = read_rgb(options.image)
    except (OSError, ImageReadError) as error:
        parser.error(str(error))
    pixels = sheet(image, options.seed)
    Pillow.fromarray(pixels).save(options.output)
    print(f"{options.output}: {pixels.shape[1]} x {pixels.shape[0]} pixels")


if __name__ == "__main__":
    main()
