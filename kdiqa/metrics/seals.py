"""Seals of a stored table: a digest of each row, so that one that was changed later is named.

A seal is the text of a file next to the table, `test.sha256`: a line a row, its digest and its image.
Its own digest stands in the run's `results.json`.
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Sequence

SUFFIX = ".sha256"
SHOWN = 3  # images of one fault that are named


def seal(table: str) -> str:
    r"""Returns the seal of a table, CSV with a column `id`, as it is written.

    Example:
        >>> seal("id,score\na.png,0.5\n")
        '128822aac5c43644  a.png\n'
    """
    return "".join(f"{_of(row)}  {row['id']}\n" for row in _rows(table))


def digest(text: str) -> str:
    """Returns the sha256 of a seal."""
    return hashlib.sha256(text.encode()).hexdigest()


def faults(table: str, sealed: str | None, known: str) -> list[str]:
    """Returns in what a table is not the one that its run stored, a sentence each.

    Args:
        table: CSV, as it is now.
        sealed: the seal next to it; None where there is none.
        known: the digest of the seal, as `results.json` has it.
    """
    if digest(seal(table)) == known:
        return []
    if sealed is None or digest(sealed) != known:
        return [
            "its rows are not those whose digest stands in results.json, and the seal next to them"
            f" (…{SUFFIX}) that could name them is gone or changed as well"
        ]
    lines = [line.split("  ", 1) for line in sealed.split("\n")[:-1]]
    stored = {image: value for value, image in lines}
    rows = _rows(table)
    counts = Counter(row["id"] for row in rows)
    added = [row for row in rows if row["id"] not in stored]
    part = Counter(row.get("split") for row in rows if row["id"] in stored).most_common(1)
    usual = part[0][0] if part else None
    found = {
        "edited": [r["id"] for r in rows if r["id"] in stored and _of(r) != stored[r["id"]]],
        "deleted": [image for image in stored if image not in counts],
        "doubled": [image for image, count in counts.items() if count > 1],
        "of another part": [row["id"] for row in added if row.get("split") != usual],
        "added": [row["id"] for row in added if row.get("split") == usual],
    }
    named = [_named(images, what) for what, images in found.items() if images]
    return named or ["its rows are in another order than they were stored in"]


def _named(images: Sequence[str], what: str) -> str:
    names = ", ".join(f"'{image}'" for image in list(dict.fromkeys(images))[:SHOWN])
    rest = len(set(images)) - SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    return f"{len(set(images))} row{'s' * (len(set(images)) != 1)} {what}: {names}{more}"


def _rows(table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table, newline="")))


def _of(row: dict[str, str]) -> str:
    cells = "\x1f".join(f"{name}={cell}" for name, cell in row.items())
    return hashlib.sha256(cells.encode(errors="surrogateescape")).hexdigest()[:16]
