"""LIVE, CSIQ, LIVE Challenge and BID: label files of MATLAB and Excel."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.pictures import noisy, picture, write, write_mat, write_xlsx

LIVE_FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
CSIQ_TYPES = {
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}


def write_live(root: Path, references: int = 6) -> Path:
    """Writes LIVE: all 982 rows, but all images save the first and the last are originals.

    The originals have no files: they must not be read.
    """
    names = [f"Picture{i}.bmp" for i in range(references)]
    for i, name in enumerate(names):
        write(root / "refimgs" / name, picture(i))
    realigned, raw, originals, shown = [], [], [], []
    for kind, (folder, count) in enumerate(LIVE_FOLDERS.items()):
        for i in range(1, count + 1):
            content = i % references
            distorted = i < references or i == count
            score = 20.0 * kind + 3 * content
            realigned.append(score - 2.5)
            raw.append(score if distorted else 0.0)
            originals.append(float(not distorted))
            shown.append(names[content])
            if distorted:
                image = noisy(picture(content), 6.0 * (kind + 1), i)
                write(root / folder / f"img{i}.bmp", image)
    write_mat(root / "dmos_realigned.mat", dmos_new=realigned, dmos_std=raw, orgs=originals)
    write_mat(root / "dmos.mat", dmos=raw, orgs=originals)
    write_mat(root / "refnames_all.mat", refnames_all=shown)
    return root


def write_csiq(
    root: Path, contents: tuple[object, ...] = (1600, "boston", "elk", "fox", "lake")
) -> Path:
    """Writes CSIQ: two levels; the workbook's table begins at D4, has 1600 as a number, padding."""
    rows: list[list[object]] = [[], [], []]
    rows.append([None] * 3 + ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"])
    for i, content in enumerate(contents):
        write(root / "src_imgs" / f"{content}.png", picture(i))
        for kind, (label, (folder, name)) in enumerate(CSIQ_TYPES.items()):
            for level in (1, 4):
                image = noisy(picture(i), 8.0 * level, kind)
                write(root / "dst_imgs" / folder / f"{content}.{name}.{level}.png", image)
                score = 0.2 * level + 0.02 * kind
                rows.append([None] * 3 + [content, kind + 1, label, level, 0.1, score])
    rows += [[None] * 9, [None] * 9]
    write_xlsx(root / "csiq.DMOS.xlsx", rows, "all_by_image", before=["z_crit"])
    return root


def write_livec(root: Path, images: int = 20) -> Path:
    """Writes LIVE Challenge: photographs of both formats, after seven that trained observers."""
    names = [f"t{i}.bmp" for i in range(1, 8)]
    names += [f"{i}.{'bmp' if i % 2 else 'JPG'}" for i in range(100, 100 + images)]
    for i, name in enumerate(names):
        folder = root / "Images" / "trainingImages" if i < 7 else root / "Images"
        write(folder / name, noisy(picture(i), 12.0 * (i % 5), i))
    scores = [85.5 - 15 * (i % 5) for i in range(len(names))]
    write_mat(root / "Data" / "AllImages_release.mat", AllImages_release=names)
    write_mat(root / "Data" / "AllMOS_release.mat", AllMOS_release=scores)
    return root


def write_bid(root: Path, images: int = 20) -> Path:
    """Writes BID: numbers with a gap."""
    rows: list[tuple[object, ...]] = [
        ("Image Number", "Average Subjective Grade", "Number of Grades", "Grade #1")
    ]
    for i in [1, *range(3, images + 2)]:
        file = f"DatabaseImage{i:04d}.JPG"
        write(root / "ImageDatabase" / file, noisy(picture(i), 12.0 * (i % 5), i))
        rows.append((i, 4.5 - 0.9 * (i % 5), 1, 0.0))
    write_xlsx(root / "DatabaseGrades.xlsx", rows, "Plan1")
    return root
