"""KADIS-700k before its distorted images are generated: pictures, and a plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.fakes.pictures import picture, write, write_csv

KINDS = (1, 10, 11, 7, 20, 13)


def write_kadis700k(root: Path, kinds: Sequence[int] = KINDS) -> Path:
    """Writes a picture for each kind; one name has two dots, kind 7 goes with 8."""
    rows: list[Sequence[object]] = [("ref_im", "dist_type_1", "dist_type_2")]
    for i, kind in enumerate(kinds):
        name = f"photo{i}.jpg.png" if i == 1 else f"photo{i}.png"
        write(root / "ref_imgs" / name, picture(i))
        rows.append((name, kind, 8 if kind == 7 else kind))
    write_csv(root / "kadis700k_ref_imgs.csv", rows)
    return root
