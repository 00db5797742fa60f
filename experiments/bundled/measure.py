"""Measures a bundled student, and writes the model card's numbers.

``python -m experiments.bundled.measure MODEL --biq2021 FOLDER --tid2013 FOLDER [--write]``. Both data
sets are only looked at: nothing was chosen by TID2013 or by BIQ2021's official test.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import default_rng
from rich.progress import track

import kdiqa
from experiments.bundled.photo import drawing
from kdiqa.bundled import CARD, MODELS
from kdiqa.data.readers.biq2021 import BIQ2021
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.metrics.correlation import plcc, srcc
from kdiqa.scorer import Scorer

RESULTS = Path(__file__).parent / "results.json"
BEGIN, END = "<!-- measured {} -->\n", "<!-- end -->\n"
DRAWN = 100  # images that are no photographs
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
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--biq2021", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--tid2013", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--write", action="store_true", help="into results.json and the card")
    options = parser.parse_args()
    name = options.model
    scorer = kdiqa.load(name)
    measured = {
        "digest": scorer.digest,
        "bytes": MODELS[name].stat().st_size,
        **photographs(scorer, options.biq2021),
        **synthetic(scorer, options.tid2013),
    }
    print(json.dumps(measured, indent=2))
    if options.write:
        results = json.loads(RESULTS.read_text()) | {name: measured}
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
        card = with_numbers(CARD.read_text(encoding="utf-8"), name, measured)
        CARD.write_text(card, encoding="utf-8")


def photographs(scorer: Scorer, root: Path) -> dict[str, Any]:
    """Returns the agreement with MOS on BIQ2021's test images, and how drawings stand to them."""
    data = BIQ2021(root)
    data.setup()
    records = [data.records[place] for place in data.positions("test")]
    scores = np.array(scorer.score([record.image for record in track(records, "BIQ2021")]))
    mos = np.array([record.mos for record in records])
    sources = np.array([record.image.name.partition(" ")[0] for record in records])
    each = {
        source: agreement(scores[sources == source], mos[sources == source])
        for source in np.unique(sources)
    }
    rng = default_rng(1)
    drawn = np.array(scorer.score([drawing(number, rng) for number in range(DRAWN)]))
    above = int((drawn > np.median(scores)).sum())
    return {
        "biq2021": agreement(scores, mos) | {"each": each},
        "drawn": {"n": DRAWN, "above_the_median_photograph": above},
    }


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


def with_numbers(card: str, name: str, measured: Mapping[str, Any]) -> str:
    """Returns the card with a model's table filled."""
    begin = BEGIN.format(name)
    before, rest = card.split(begin)
    return before + begin + table(measured) + END + rest.partition(END)[2]


def table(measured: Mapping[str, Any]) -> str:
    """Returns the card's table and the line below it."""
    tid, ordered, drawn = measured["tid2013"], measured["pairs"], measured["drawn"]
    biq = measured["biq2021"]
    rows = [("BIQ2021, official test", biq)]
    rows += [(f"BIQ2021, source {source}", row) for source, row in biq["each"].items()]
    rows += [("TID2013, all", tid)]
    rows += [(f"TID2013, {NAMES[kind]} ({kind})", tid["each"][kind]) for kind in NAMES]
    lines = ["| people's scores | images | SRCC | PLCC |", "|---|---|---|---|"]
    lines += [f"| {n} | {r['n']} | {r['srcc']:.3f} | {r['plcc']:.3f} |" for n, r in rows]
    wrong = f" The others: {', '.join(ordered['wrong'])}." if ordered["wrong"] else ""
    lines += [
        "",
        f"{ordered['in_order']} of {ordered['n']} pristine photographs score above their strongest"
        f" white noise, Gaussian blur and JPEG.{wrong} {drawn['above_the_median_photograph']} of"
        f" {drawn['n']} plain, noisy or drawn images score above the median photograph.",
    ]
    return "\n".join(["", *lines, "", ""])


if __name__ == "__main__":
    main()
