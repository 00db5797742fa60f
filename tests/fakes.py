"""Each data set, tiny, in its authors' own layout, with labels that rise as the noise falls."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
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


def write_biq2021(root: Path, train: int = 20, test: int = 6) -> Path:
    """Writes BIQ2021: photographs with noise of five strengths; one name differs in case."""
    names = [f"ss{1 + i % 3:02d} ({i}).jpg" for i in range(train + test)]
    scores = [f"{0.9 - 0.2 * (i % 5):.4f}" for i in range(train + test)]
    for i, name in enumerate(names):
        file = name.upper() if i == 1 else name
        write(root / "Images" / file, noisy(picture(i), 12.0 * (i % 5), i))
    rows = list(zip(names, scores, strict=True))
    # The authors' training list has two empty columns.
    head = [("Image Name", "MOS", "", "")]
    write_csv(root / "Train (Images and MOS).csv", head + [(*row, "", "") for row in rows[:train]])
    write_csv(root / "Test (Images and MOS).csv", [("Image Name", "MOS"), *rows[train:]])
    return root


def write_tid2013(root: Path, references: int = 6, levels: int = 3) -> Path:
    """Writes TID2013: two distortions; the last reference and one file in the other case."""
    lines = []
    for i in range(1, references + 1):
        pristine = picture(i)
        name = f"i{i:02d}.bmp" if i == references else f"I{i:02d}.BMP"
        write(root / "reference_images" / name, pristine)
        for distortion in (1, 8):
            for level in range(1, levels + 1):
                name = f"i{i:02d}_{distortion:02d}_{level}.bmp"
                file = name.upper() if (i, distortion, level) == (1, 1, 1) else name
                write(root / "distorted_images" / file, noisy(pristine, 15 * level, distortion))
                lines.append(f"{7.0 - 1.5 * level + 0.1 * i:.5f} {name}\n")
    (root / "mos_with_names.txt").write_text("".join(lines))
    return root


def write_kadid10k(root: Path, references: int = 6, levels: int = 3) -> Path:
    """Writes KADID-10k: two distortions."""
    rows: list[Sequence[object]] = [("dist_img", "ref_img", "dmos", "var")]
    for i in range(1, references + 1):
        pristine = picture(i)
        write(root / "images" / f"I{i:02d}.png", pristine)
        for distortion in (1, 11):
            for level in range(1, levels + 1):
                name = f"I{i:02d}_{distortion:02d}_{level:02d}.png"
                write(root / "images" / name, noisy(pristine, 15 * level, distortion))
                rows.append((name, f"I{i:02d}.png", f"{4.9 - 0.8 * level:.2f}", 0.5))
    write_csv(root / "dmos.csv", rows)
    return root


def write_koniq10k(root: Path, images: int = 24) -> Path:
    """Writes KonIQ-10k: both sizes, both label files."""
    sets: list[Sequence[object]] = [("image_name", "c1", "MOS", "SD", "set")]
    scores: list[Sequence[object]] = [("image_name", "c1", "MOS", "SD", "MOS_zscore")]
    for i in range(images):
        name, zscore = f"{1000 + i}.jpg", 85.0 - 15 * (i % 5) + 0.1 * i
        image = noisy(picture(i), 12.0 * (i % 5), i)
        write(root / "1024x768" / name, image)
        write(root / "512x384" / name, image[::2, ::2])
        part = ("training", "training", "training", "validation", "test")[i // 2 % 5]
        sets.append((name, 0, zscore, 0.5, part))
        scores.append((name, 0, 1 + zscore / 25, 0.5, zscore))
    write_csv(root / "koniq10k_distributions_sets.csv", sets)
    write_csv(root / "koniq10k_scores_and_distributions.csv", scores)
    return root


FAKES: dict[str, Callable[[Path], Path]] = {
    "biq2021": write_biq2021,
    "kadid10k": write_kadid10k,
    "koniq10k": write_koniq10k,
    "tid2013": write_tid2013,
}
"""A writer for each data set of ``conf/data``, by the name of its folder and of its yaml."""


def write_all(root: Path) -> Path:
    """Writes every fake into a folder to which KDIQA_DATA can be set."""
    for name, write_one in FAKES.items():
        write_one(root / name)
    return root
