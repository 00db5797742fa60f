"""Generated images, and a user's own folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.fakes.pictures import noisy, picture, write, write_csv

GENERATORS = ("AttnGAN_normal", "DALLE2", "glide_normal")


def write_agiqa3k(root: Path, prompts: int = 8) -> Path:
    """Writes AGIQA-3K: three generators, each with all prompts; two prompts ask for one thing."""
    rows: list[Sequence[object]] = [
        ("name", "prompt", "adj1", "adj2", "style", "mos_quality", "std_quality", "mos_align")
    ]
    for strength, generator in enumerate(GENERATORS):
        for i in range(prompts):
            name = f"{generator}_{i:03d}.jpg"
            write(root / name, noisy(picture(i), 25.0 * strength, i))
            prompt = f"thing {max(i, 1)}, sharp, style {i}"
            mos = f"{4.5 - strength - 0.1 * i:.6f}"
            rows.append((name, prompt, "sharp", "", f"style {i}", mos, 0.3, 2.5))
    write_csv(root / "data.csv", rows)
    return root


def write_folder(root: Path, originals: int = 6) -> Path:
    """Writes a user's folder: pictures in places of their own, all columns of the table."""
    rows: list[Sequence[object]] = [
        ("mos", "image", "ref", "distortion", "level", "remark"),
    ]
    for i in range(originals):
        write(root / "pristine" / f"photo{i}.png", picture(i))
        for level in (1, 2, 3):
            name = f"noise/photo{i}_{level}.png"
            write(root / name, noisy(picture(i), 20.0 * level, i))
            listed = name if level < 3 else name.rpartition("/")[2]  # its file name alone
            rows.append((1 - 0.25 * level, listed, f"photo{i}.png", "noise", level, "mine"))
    write_csv(root / "labels.csv", rows)
    return root
