"""Measures the bundled student, and writes the model card's numbers.

``python -m experiments.bundled.measure --biq2021 FOLDER --tid2013 FOLDER [--write]``. Both data
sets are only looked at: nothing was trained on or chosen by them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import kdiqa
from kdiqa.bundled import CARD, WEIGHTS
from kdiqa.data.readers.biq2021 import BIQ2021
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.metrics.correlation import plcc, srcc
from kdiqa.scorer import Scorer

RESULTS = Path(__file__).parent / "results.json"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"
NAMES = {
    "01": "white noise",
    "08": "Gaussian blur",
    "10": "JPEG",
    "11": "JPEG2000",
}  # of the single image of a fifth type no correlation can be had
PAIRED = ("01", "08", "10")  # whose strongest version is set against the pristine photograph


def main() -> None:
    """Prints what was measured, and writes it where that is wanted."""
    parser = argparse.ArgumentParser("python -m experiments.bundled.measure")
    parser.add_argument("--biq2021", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--tid2013", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--write", action="store_true", help="into results.json and the card")
    options = parser.parse_args()
    scorer = kdiqa.load()
    measured = {
        "digest": scorer.digest,
        "bytes": WEIGHTS.stat().st_size,
        "biq2021": photographs(scorer, options.biq2021),
        **synthetic(scorer, options.tid2013),
    }
    print(json.dumps(measured, indent=2))
    if options.write:
        RESULTS.write_text(json.dumps(measured, indent=2) + "\n")
        CARD.write_text(with_numbers(CARD.read_text(encoding="utf-8"), measured), encoding="utf-8")


def photographs(scorer: Scorer, root: Path) -> dict[str, Any]:
    """Returns the agreement with opinions on BIQ2021's test images."""
    data = BIQ2021(root)
    data.setup()
    records = [data.records[place] for place in data.positions("test")]
    scores = scorer.score([record.image for record in records])
    return agreement(scores, [record.mos for record in records])


def synthetic(scorer: Scorer, root: Path) -> dict[str, Any]:
    """Returns the agreement on TID2013, in all and by distortion, and the pairs in order."""
    data = TID2013(root)
    data.setup()
    scores = np.array(scorer.score([record.image for record in data.records]))
    mos = np.array([record.mos for record in data.records])
    kinds = np.array([record.image.stem.split("_")[1] for record in data.records])
    each = {kind: agreement(scores[kinds == kind], mos[kinds == kind]) for kind in NAMES}
    return {"tid2013": agreement(scores, mos) | {"each": each}, "pairs": pairs(scorer, data)}


def pairs(scorer: Scorer, data: TID2013) -> dict[str, Any]:
    """Returns how often a pristine photograph scores above its strongest distorted versions."""
    strongest: dict[tuple[str, str], Any] = {}
    for record in data.records:
        _, kind, level = record.image.stem.split("_")
        if kind in PAIRED:
            key = (record.content, kind)
            held = strongest.get(key)
            strongest[key] = max(held or (level, record), (level, record), key=lambda one: one[0])
    wrong = []
    for (content, kind), (_, record) in sorted(strongest.items()):
        pristine, distorted = scorer.score([record.reference, record.image])
        if pristine <= distorted:
            wrong.append(f"{content} {NAMES[kind]}")
    return {"n": len(strongest), "in_order": len(strongest) - len(wrong), "wrong": wrong}


def agreement(scores: Any, mos: Any) -> dict[str, Any]:
    """Returns SRCC and PLCC of scores with opinions."""
    return {
        "n": len(mos),
        "srcc": round(srcc(scores, mos), 4),
        "plcc": round(plcc(scores, mos), 4),
    }


def with_numbers(card: str, measured: Mapping[str, Any]) -> str:
    """Returns the card with its table filled."""
    before, rest = card.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table(measured) + END + after


def table(measured: Mapping[str, Any]) -> str:
    """Returns the card's table and the line below it."""
    tid, ordered = measured["tid2013"], measured["pairs"]
    rows = [("BIQ2021, test photographs", measured["biq2021"]), ("TID2013, all", tid)]
    rows += [(f"TID2013, {NAMES[kind]} ({kind})", tid["each"][kind]) for kind in NAMES]
    lines = ["| people's scores | images | SRCC | PLCC |", "|---|---|---|---|"]
    lines += [f"| {n} | {r['n']} | {r['srcc']:.3f} | {r['plcc']:.3f} |" for n, r in rows]
    wrong = f" The others: {', '.join(ordered['wrong'])}." if ordered["wrong"] else ""
    lines += [
        "",
        f"{ordered['in_order']} of {ordered['n']} pristine photographs score above their strongest"
        f" white noise, Gaussian blur and JPEG.{wrong}",
    ]
    return "\n".join(["", *lines, "", ""])


if __name__ == "__main__":
    main()
