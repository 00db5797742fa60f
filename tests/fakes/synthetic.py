"""Data sets of distorted images with their references."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.fakes.pictures import noisy, picture, write, write_csv


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
