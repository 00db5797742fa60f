"""Puts the measured figures into ``docs/scaling.md``, and what follows from them.

    python -m bench.scaling_page --write

The page has slots, ``<!-- filled: NAME -->`` to ``<!-- end -->``; each function of :data:`SLOTS` is
the formula beside one of them. Without ``--write`` it says whether the page is up to date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.record import RESULTS, Row, table

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
SLOT = re.compile(r"(<!-- filled: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
Results = Mapping[str, Mapping[str, Any]]  # by machine, what bench/record.py has written

PARAMETERS = (
    1_840_368  # trained, of the official student on Swin-T; tests/nets/test_akd.py counts them
)
LINKS = {  # assumptions: bytes a second, seconds of latency
    "1 Gbit/s Ethernet": (0.125e9, 50e-6),
    "25 Gbit/s Ethernet": (3.125e9, 20e-6),
    "within a machine, 100 GB/s": (100e9, 5e-6),
}
DISKS = {"SATA SSD, 0.5 GB/s": 0.5e9, "NVMe SSD, 5 GB/s": 5e9}  # assumptions
CHANNELS = {"Swin-T": 2112, "mobilenetv2_100": 472, "mobilenetv2_100, expansions": 14_208}
CACHES = {  # crops, places
    "Swin-T": (10, 49),
    "mobilenetv2_100": (10, 49),
    "mobilenetv2_100, expansions": (1, 1),
}
WORD = 2 * (36 + 18) * 4 * 49 * 64  # bytes of a teacher's blocks: depths, levels, tokens, width
PRICE = 0.04  # an example, no quote: units of money a core and hour


def all_reduce(processes: int, bandwidth: float, latency: float) -> float:
    """Returns the seconds of a ring all-reduce of the gradients.

    Args:
        processes: n.
        bandwidth: Of a link, bytes a second.
        latency: Of a message, seconds.
    """
    sent = 4 * PARAMETERS / processes / bandwidth
    return 2 * (processes - 1) * (latency + sent)


def image_bytes(channels: int, crops: int, places: int) -> int:
    """Returns the bytes of one image's kept features: two images, float16."""
    return crops * 2 * channels * places * 2


def steps_of(results: Results) -> list[tuple[str, Row]]:
    """Returns the machine and the row of each measured training step."""
    return [
        (machine.replace("_", " "), row)
        for machine, held in sorted(results.items())
        for row in held.get("training_step", {"rows": []})["rows"]
    ]


def processes(results: Results) -> list[Row]:
    """Returns images a second of 1 to 64 processes, from the largest measured batch."""
    steps = [(machine, row) for machine, row in steps_of(results) if row["backbone"] == "Swin-T"]
    largest = {machine: row for machine, row in sorted(steps, key=lambda step: step[1]["batch"])}
    rows = []
    for machine, row in largest.items():
        for features in ("online", "cached"):
            for link, (bandwidth, latency) in LINKS.items():
                batch, seconds = row["batch"], row[f"{features}, s"]
                made = {"each process a": machine, "features": features, "link": link}
                rates = {
                    n: n * batch / (seconds + all_reduce(n, bandwidth, latency))
                    for n in (1, 2, 4, 8, 16, 32, 64)
                }
                made |= {f"n = {n}": rate for n, rate in rates.items()}
                rows.append(made | {"efficiency at 64": rates[64] / rates[1] / 64})
    return rows


def two(results: Results) -> list[Row]:
    """Returns what two processes were measured to give."""
    return [
        {"machine": machine.replace("_", " "), **row}
        for machine, held in sorted(results.items())
        for row in held.get("scaling", {"rows": []})["rows"]
    ]


def caches(results: Results) -> list[Row]:
    """Returns the bytes of each backbone's features; nothing of it is measured."""
    sizes = {
        f"{name}, {crops} x {places} places": image_bytes(CHANNELS[name], crops, places)
        for name, (crops, places) in CACHES.items()
    }
    sizes["what a teacher of official depths says of it, beside"] = WORD
    return [
        {"kept": name, "an image": human(size)}
        | {
            word: human(size * n)
            for word, n in (("10 k", 10**4), ("1 M", 10**6), ("100 M", 10**8))
        }
        | {f"epoch of 1 M from {disk}": clock(size * 1e6 / speed) for disk, speed in DISKS.items()}
        for name, size in sizes.items()
    ]


def recomputing(results: Results) -> list[Row]:
    """Returns from which bandwidth on reading an image's features is faster than computing them."""
    rows = []
    for machine, row in steps_of(results):
        seconds = row["online, s"] / row["online / bare passes"] / row["batch"]
        saved = (row["online, s"] - row["cached, s"]) / row["batch"]
        crops, places = CACHES[row["backbone"]]
        size = image_bytes(CHANNELS[row["backbone"]], crops, places)
        made = {"machine": machine, "backbone": row["backbone"], "batch": row["batch"]}
        made |= {"passes, s/image": seconds, "an image": human(size)}
        made |= {"reading is faster above, MB/s": size / seconds / 1e6}
        rows.append(made | {"cache has paid after, epochs": seconds / saved})
    return rows


def billion(results: Results) -> list[Row]:
    """Returns what scoring 10⁹ photographs of one megapixel costs, largest measured folder."""
    rows = []
    for machine, held in sorted(results.items()):
        measured = [r for r in held.get("scoring_cost", {"rows": []})["rows"]]
        at_one = [row for row in measured if row["megapixels"] == 1]
        largest = {row["model"]: row for row in sorted(at_one, key=lambda row: row["images"])}
        for model, row in largest.items():
            hours = 1e9 * row["together, s/image"] / 3600
            made = {"one core of": machine.replace("_", " "), "model": model}
            made |= {"s/image": row["together, s/image"], "core-hours": hours}
            made |= {"days on 1 000 cores": hours / 24e3}
            rows.append(made | {f"if p = {PRICE}": PRICE * hours})
    return rows


SLOTS: dict[str, Callable[[Results], list[Row]]] = {
    "processes": processes,
    "two": two,
    "caches": caches,
    "recomputing": recomputing,
    "billion": billion,
}


def human(size: float) -> str:
    """Returns bytes in the unit that fits.

    Example:
        >>> human(4_139_520)
        '4.14 MB'
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} PB"


def clock(seconds: float) -> str:
    """Returns seconds in the unit that fits."""
    for unit, most in (("s", 60), ("min", 60), ("h", 48)):
        if seconds < most:
            return f"{seconds:.3g} {unit}"
        seconds /= 60 if unit != "h" else 24
    return f"{seconds:.3g} days"


def filled(text: str, results: Results) -> str:
    """Returns the page with every slot filled from the results."""

    def fill(slot: re.Match[str]) -> str:
        rows = SLOTS[slot[2]](results)
        shown = table(rows) if rows else "*Not measured yet: `make bench` fills this table.*"
        return f"{slot[1]}\n{shown}\n\n{slot[3]}"

    return SLOT.sub(fill, text)


def recorded() -> Results:
    """Returns all recorded results by machine."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}


def main() -> None:
    """Fills the page, or says that it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="fill docs/scaling.md")
    options = parser.parse_args()
    text = PAGE.read_text()
    made = filled(text, recorded())
    if options.write:
        PAGE.write_text(made)
    elif made != text:
        sys.exit("docs/scaling.md is out of date. Type: python -m bench.scaling_page --write")


if __name__ == "__main__":
    main()
