"""Data sets of photographs without references."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.fakes.pictures import noisy, picture, write, write_csv


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
