"""Whether a folder holds what its data set should: all that is wrong with it, not just the first.

A *fault* stops a run or falsifies it. A *note* does neither: a partial copy trains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kdiqa.data.images.formats import SUFFIXES
from kdiqa.data.images.read import check_images
from kdiqa.data.record import Record
from kdiqa.data.source import ScoresError
from kdiqa.doctor.datasets import read
from kdiqa.doctor.decode import Decoded, decode_all

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule

State = Literal["fine", "note", "fault"]


@dataclass(frozen=True)
class Check:
    """What was found by looking at one thing.

    Args:
        name: What was looked at.
        state: How it is.
        message: What was found, in one line.
        files: The files this is about, below the data set's folder, each with what is wrong.
    """

    name: str
    state: State
    message: str
    files: tuple[str, ...] = ()


def verify(data: IQADataModule, fast: bool = False) -> list[Check]:
    """Returns what is fine, worth a note, or wrong with the folder of a data set.

    Args:
        data: The data set; ``setup()`` need not have been called, and may fail.
        fast: Looks at the first and last bytes of each image in place of decoding it.
    """
    try:
        records = read(data)
    except (OSError, ValueError) as error:
        return [Check("labels", "fault", str(error))]
    checks = [*check_labels(data, records), *check_presence(data, records)]
    images = [record.image for record in records]
    files = [path for path in dict.fromkeys([*images, *_references(records)]) if path.is_file()]
    decoded = {} if fast else decode_all(files)
    faults = {path: one.fault for path, one in decoded.items() if one.fault}
    checks.append(check_decoding(data, files, check_images(files) if fast else faults))
    return [*checks, *check_sizes(data, records, decoded), check_split(data, records)]


def check_labels(data: IQADataModule, records: Sequence[Record]) -> list[Check]:
    """Returns how the labels compare with what is on record of a whole download."""
    try:
        data.source.check_labels(records)
    except ScoresError as error:
        return [Check("labels", "fault", str(error))]
    scores = [record.mos for record in records]
    contents = len({record.content for record in records})
    found = (
        f"{len(records)} images of {contents} contents, scores from {min(scores):g} to "
        f"{max(scores):g}, mean {sum(scores) / len(scores):.4f}"
    )
    checks = _unlike_facts(data, scores, contents)
    twice = [path for path, n in Counter(r.image for r in records).items() if n > 1]
    if twice:
        message = f"{len(twice)} images are listed more than once. Restore the label file."
        checks.append(_check("labels", "fault", message, twice, data))
    if not checks:
        known = "" if data.facts else "; nothing is on record to compare that with"
        checks.append(Check("labels", "fine", found + known))
    elif all(check.state == "note" for check in checks):
        checks.insert(0, Check("labels", "fine", found))
    return checks


def _unlike_facts(data: IQADataModule, scores: Sequence[float], contents: int) -> list[Check]:
    facts = data.facts
    if facts is None:
        return []
    if len(scores) < facts.images:
        message = f"{len(scores)} of {facts.images} images listed: a partial copy"
        return [Check("labels", "note", message)]
    pairs: list[tuple[str, float, float | None]] = [
        ("images listed", len(scores), facts.images),
        ("lowest score", min(scores), facts.lowest),
        ("highest score", max(scores), facts.highest),
        ("mean score", sum(scores) / len(scores), facts.mean),
        ("contents", contents, facts.contents),
    ]
    return [
        Check(
            "labels",
            "fault",
            f"{name}: {found:.6g}, but {known:.6g} in the authors' own. Restore their label file, "
            f"from {data.homepage}",
        )
        for name, found, known in pairs
        if known is not None and abs(found - known) > _tolerance(known)
    ]


def _tolerance(known: float) -> float:
    """Returns half a unit of the last digit that a fact states, and a little for rounding."""
    digits = str(known).partition(".")[2] if isinstance(known, float) else ""
    return 0.51 * 10.0 ** -len(digits)


def check_presence(data: IQADataModule, records: Sequence[Record]) -> list[Check]:
    """Returns which listed files are missing, and which files no label file lists."""
    images = list(dict.fromkeys(record.image for record in records))
    references = _references(records)
    checks = [_missing(data, "images", images)]
    if references:
        checks.append(_missing(data, "references", references))
    listed = {*images, *references}
    extra = [
        path
        for folder in sorted({path.parent for path in images if path.parent.is_dir()})
        for path in sorted(folder.iterdir())
        if path.suffix.casefold() in SUFFIXES and path not in listed
    ]
    if extra:
        message = f"{len(extra)} image files next to the listed ones are in no list"
        checks.append(_check("extra", "note", message, extra, data))
    return checks


def _missing(data: IQADataModule, name: str, paths: Sequence[Path]) -> Check:
    missing = [path for path in paths if not path.is_file()]
    if not missing:
        return Check(name, "fine", f"all {len(paths)} are there")
    source = f" Unpack them there from {data.homepage}" if data.homepage else ""
    message = f"{len(missing)} of {len(paths)} are missing in '{data.root}'.{source}"
    return _check(name, "fault", message, missing, data)


def check_decoding(data: IQADataModule, files: Sequence[Path], faults: dict[Path, str]) -> Check:
    """Returns which image files cannot be read."""
    if not faults:
        return Check("decoding", "fine", f"all {len(files)} image files can be read")
    source = f"from {data.homepage}" if data.homepage else "or take them out of the table"
    return Check(
        "decoding",
        "fault",
        f"{len(faults)} of {len(files)} image files cannot be read. Unpack them again, {source}",
        tuple(f"{data.source.shown(path)}: {fault}" for path, fault in faults.items()),
    )


def check_sizes(
    data: IQADataModule, records: Sequence[Record], decoded: dict[Path, Decoded]
) -> list[Check]:
    """Returns which images do not have the size of their reference; nothing without any pair."""
    sizes = {path: one.size for path, one in decoded.items() if not one.fault}
    pairs = [
        (record.image, sizes[record.image], sizes[record.reference])
        for record in records
        if record.image in sizes and record.reference is not None and record.reference in sizes
    ]
    unlike = [
        f"{data.source.shown(path)}: {one[0]}×{one[1]}, its reference {two[0]}×{two[1]}"
        for path, one, two in pairs
        if one != two
    ]
    if unlike:
        message = f"{len(unlike)} of {len(pairs)} images differ in size from their reference"
        return [Check("sizes", "fault", message, tuple(unlike))]
    fine = f"{len(pairs)} images are as large as their reference"
    return [Check("sizes", "fine", fine)] if pairs else []


def check_split(data: IQADataModule, records: list[Record]) -> Check:
    """Returns whether the images can be split, and whether that parts a content."""
    try:
        parts = data.assign(records)
    except ValueError as error:
        return Check("split", "fault", str(error))
    counts = Counter(parts)
    counted = ", ".join(f"{counts[part]} {part}" for part in ("train", "val", "test"))
    sides: dict[str, set[str]] = {}
    for record, part in zip(records, parts, strict=True):
        sides.setdefault(record.content, set()).add(part)
    shared = sorted(content for content, where in sides.items() if len(where) > 1)
    message = f"split {data.split.index} by {data.split.by}: {counted}; "
    if shared:
        message += f"{len(shared)} contents stand in two parts or more, the first is '{shared[0]}'"
        return Check("split", "fault", f"{message}. Set data.split_by=content.")
    return Check("split", "fine", f"{message}no content stands in two parts")


def _references(records: Sequence[Record]) -> list[Path]:
    found = (record.reference for record in records if record.reference is not None)
    return list(dict.fromkeys(found))


def _check(
    name: str, state: State, message: str, paths: Sequence[Path], data: IQADataModule
) -> Check:
    return Check(name, state, message, tuple(data.source.shown(path) for path in paths))
