"""Run folders as training leaves them, of three variants over splits and seeds, made in a moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from kdiqa.metrics import seals

NUM_CONTENTS, NUM_DISTORTIONS = 8, 3
NOISE = {"student alone": 0.25, "student <b>with</b> teacher": 0.08, "odd_one & all": 0.25}


def write_images(root: Path) -> None:
    """Writes the images that all runs were tested on."""
    root.mkdir(parents=True, exist_ok=True)
    for name in _names():
        shade = 40 + hash_of(name) % 180
        cv2.imwrite(str(root / name), np.full((48, 64, 3), shade, np.uint8))


def write_run(
    folder: Path,
    variant: str = "student alone",
    split: int = 0,
    seed: int = 0,
    root: Path | None = None,
    selected_on: str = "val/srcc",
) -> pd.DataFrame:
    """Writes a run and returns its rows. Splits are other contents, seeds other scores."""
    random = np.random.default_rng([split, seed, hash_of(variant)])
    first = split % 2
    names = [name for name in _names() if int(name[1]) % NUM_CONTENTS >= first]
    mos = np.array([(hash_of(name) % 997) / 996 for name in names])
    score = mos + random.normal(0, NOISE.get(variant, 0.1), len(names))
    rows = pd.DataFrame(
        {
            "id": names,
            "content": [name[:2] for name in names],
            "distortion": [name[3:8] for name in names],
            "level": 1,
            "mos": mos,
            "score": score,
        }
    )
    (folder / "predictions").mkdir(parents=True)
    text = rows.assign(split="test").to_csv(index=False)
    (folder / "predictions" / "test.csv").write_text(text)
    (folder / "predictions" / "test.sha256").write_text(seals.seal(text))
    results = {
        "name": variant,
        "metrics": {"test": {}},
        "selected_on": selected_on,
        "best_epoch": 2,
        "epochs": 3,
        "seconds": 61.5,
        "trainable_parameters": 1051291,
        "data": f"digest{split}",
        "rows": {"test": seals.digest(seals.seal(text))},
        "seed": seed,
        "split": split,
    }
    told = {"command": ["python", "train.py", f"seed={seed}"], "versions": {"torch": "2.15.0"}}
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "provenance.json").write_text(json.dumps(told))
    (folder / "config_resolved.yaml").write_text(json.dumps(_config(variant, root)))
    _metrics(variant).to_csv(folder / "metrics.csv", index=False)
    return rows


def write_runs(folder: Path, splits: int = 2, seeds: int = 3) -> dict[str, pd.DataFrame]:
    """Writes runs of all variants, with their images; returns their rows by folder name."""
    write_images(folder / "images")
    made = {}
    for place, variant in enumerate(NOISE):
        for split in range(splits):
            for seed in range(seeds):
                name = f"{place}_{split}_{seed}"
                root = folder / "images"
                made[name] = write_run(folder / "runs" / name, variant, split, seed, root)
    return made


def hash_of(text: str) -> int:
    """Returns the same number for a text in every process."""
    return int.from_bytes(text.encode()[:16].ljust(16, b"."), "big") * 2654435761 % 1000003


def _names() -> list[str]:
    return [
        f"c{content}_blur{kind}_{level}.png"
        for content in range(NUM_CONTENTS)
        for kind in range(NUM_DISTORTIONS)
        for level in range(5)
    ]


def _config(variant: str, root: Path | None) -> dict[str, Any]:
    return {
        "distill": variant != "student alone",
        "module": {"_target_": "kdiqa.training.student.StudentModule"},
        "data": {
            "_target_": "kdiqa.data.readers.tid2013.TID2013",
            "root": None if root is None else str(root),
            "ratios": [0.7, 0.1, 0.2],
        },
    }


def _metrics(variant: str) -> pd.DataFrame:
    rows = []
    for epoch in range(3):
        row = {"epoch": epoch, "train/loss": 1 / (epoch + 1), "val/srcc": 0.5 + epoch / 10}
        if variant != "student alone":
            row |= {f"train/weight_level{i}": 0.1 * i + 0.05 * epoch for i in range(4)}
        rows.append(row)
    return pd.DataFrame(rows)
