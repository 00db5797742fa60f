"""The parts of fakes: small images, noise, tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import scipy.io
from numpy.typing import NDArray

Image = NDArray[np.uint8]
HEIGHT, WIDTH = 48, 64


def picture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Image:
    """Returns a smooth coloured picture, :math:`(H, W, 3)`, that depends on the seed alone."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def noisy(image: Image, strength: float, seed: int = 0) -> Image:
    """Returns the picture with white noise; ``strength`` is its deviation in grey values."""
    noise = np.random.default_rng(seed).normal(0, strength, image.shape)
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def write(path: Path, image: Image) -> Path:
    """Writes an RGB picture in the format of the path's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(path.suffix.lower(), pixels)[1].tobytes())
    return path


def write_csv(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    """Writes a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_xlsx(
    path: Path, rows: Iterable[Sequence[object]], sheet: str = "Sheet1", before: Sequence[str] = ()
) -> Path:
    """Writes a workbook: the rows in one sheet, after empty sheets of other names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook = openpyxl.Workbook(write_only=True)
    for name in before:
        workbook.create_sheet(name)
    table = workbook.create_sheet(sheet)
    for row in rows:
        table.append(list(row))
    workbook.save(path)
    return path


def write_mat(path: Path, **arrays: Sequence[object]) -> Path:
    """Writes MATLAB's row vectors: of numbers, or cells of texts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    vectors = {
        name: np.array(values, object if isinstance(values[0], str) else float)[None]
        for name, values in arrays.items()
    }
    scipy.io.savemat(path, vectors)
    return path
