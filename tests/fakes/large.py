"""The large data sets: SPAQ, FLIVE, PIPAL and PIQ23."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.fakes.pictures import noisy, picture, write, write_csv, write_xlsx


def write_spaq(root: Path, images: int = 20) -> Path:
    """Writes SPAQ: photographs, and its annotations as a workbook."""
    rows: list[Sequence[object]] = [("Image name", "MOS", "Brightness")]
    for i in range(1, images + 1):
        name = f"{i:05d}.jpg"
        write(root / "TestImage" / name, noisy(picture(i), 12.0 * (i % 5), i))
        rows.append((name, 90.0 - 15 * (i % 5) + 0.25 * i, 50))
    write_xlsx(root / "Annotations" / "MOS and Image attribute scores.xlsx", rows)
    return root


def write_flive(root: Path, images: int = 24) -> Path:
    """Writes FLIVE: photographs in three folders, of each four one tests, one validates."""
    labels: list[Sequence[object]] = [("name", "mos")]
    test: list[Sequence[object]] = [("name_image", "mos_image")]
    training: list[Sequence[object]] = [("name_image", "mos_image", "is_valid")]
    for i in range(images):
        name = f"{('voc_emotic_ava', 'blur_dataset', 'EE371R')[i % 3]}/{i:03d}.jpg"
        write(root / "database" / name, noisy(picture(i), 12.0 * (i % 5), i))
        mos = 90.0 - 15 * (i % 5) + 0.1 * i
        labels.append((name, mos))
        if i % 4 == 0:
            test.append((name, mos))
        else:
            training.append((name, mos, i % 4 == 1))
    write_csv(root / "database" / "labels_image.csv", labels)
    write_csv(root / "database" / "labels640.csv", test)
    write_csv(root / "database" / "labels=640_padded.csv", training)
    return root


def write_pipal(root: Path, references: int = 6, versions: int = 2) -> Path:
    """Writes PIPAL: four kinds of distortion, each in a folder of its own."""
    for i in range(1, references + 1):
        content, pristine = f"A{i:04d}", picture(i)
        write(root / "Train_Ref" / f"{content}.bmp", pristine)
        lines = []
        for kind in range(4):
            for version in range(versions):
                name = f"{content}_{kind:02d}_{version:02d}.bmp"
                file = root / f"Distortion_{kind + 1}" / name
                write(file, noisy(pristine, 15 * (version + 1), kind))
                lines.append(f"{name},{1700.0 - 150 * version - 20 * kind:.4f}\n")
        (root / "Train_Label").mkdir(exist_ok=True)
        (root / "Train_Label" / f"{content}.txt").write_text("".join(lines))
    return root


def write_piq23(root: Path, scenes: int = 10, images: int = 3) -> Path:
    """Writes PIQ23: ten scenes, of which 1 and 4 test; the name of the first begins the last's."""
    for attribute in ("Overall", "Details", "Exposure"):
        rows: list[Sequence[object]] = [("IMAGE PATH", "JOD", "JOD STD", "IMAGE", "SCENE")]
        for number in range(scenes * images):
            place = number // images + 1
            scene = f"Indoor_Scene_{place}"
            name = f"{number}_{scene}_{place}.{'JPG' if number % 2 else 'jpg'}"
            write(root / attribute / name, noisy(picture(place), 20.0 * (number % images), number))
            jod = 3.0 - 2 * (number % images) + len(attribute) / 10
            rows.append((f"{attribute}\\{name}", f"{jod:.4f}", 0.4, name, scene))
        write_csv(root / f"Scores_{attribute}.csv", rows)
    devices = [(row[3], "Test" if i % images == 0 else "Train") for i, row in enumerate(rows[1:])]
    write_csv(root / "Device Split.csv", [("IMAGE", "SPLIT"), *devices])
    parts = [
        (f"Indoor_Scene_{place}", "Test" if place in (1, 4) else "Train", images)
        for place in range(1, scenes + 1)
    ]
    write_csv(root / "Scene Split.csv", [("SCENE", "SPLIT", "NB IMAGES"), *parts])
    return root
