"""The guard: no content on two sides of a split, and none of the teacher's in the student's test.

What is compared is the reference of images that have one, else the image itself. Between two data
sets, references are compared by local features as well: TID2013's are crops of Kodak's photographs,
which LIVE has too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kdiqa.data.splits.hashes import Prints, from_text, prints, to_text, twins
from kdiqa.data.splits.local_features import shared_scenes
from kdiqa.data.splits.split import PARTS

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule
    from kdiqa.data.record import Record

OnLeak = Literal["stop", "warn", "drop"]
SHOWN = 3  # pairs that a message names
MOST_PAIRS = 20_000  # that local features are compared for: minutes


@dataclass(frozen=True)
class Picture:
    """A picture of one part of a split.

    Args:
        path: Its file.
        content: What it shows.
        part: Whose it is.
        places: The records that show it.
        reference: Whether it is the pristine original of those.
    """

    path: Path
    content: str
    part: str
    places: tuple[int, ...]
    reference: bool


@dataclass(frozen=True)
class Leak:
    """One content, seen on two sides: ``here`` is the side that is trained on, or selects."""

    here: Picture
    there: Picture

    def __str__(self) -> str:
        one, other = (f"'{p.path.name}' ({p.part})" for p in (self.here, self.there))
        return f"{one} is {other}"


class LeakError(ValueError):
    """The same content stands on two sides."""


def check_policy(policy: str) -> None:
    """Raises ``ValueError`` unless a guard knows what to do."""
    if policy not in ("stop", "warn", "drop"):
        raise ValueError(
            f"A leak is nothing to {policy!r}. Set data.guard: stop, warn, or drop (leaves what "
            "would leak out of training)."
        )


def pictures(data: IQADataModule, part: str) -> list[Picture]:
    """Returns what the images of a part show: one reference a content, else each image."""
    groups: dict[tuple[Path, bool], list[int]] = {}
    for place, name in enumerate(data.assignment):
        if name == part:
            record = data.records[place]
            key = (record.reference or record.image, record.reference is not None)
            groups.setdefault(key, []).append(place)
    return [
        Picture(path, data.records[places[0]].content, part, tuple(places), reference)
        for (path, reference), places in groups.items()
    ]


def leaks(data: IQADataModule) -> list[Leak]:
    """Returns what stands on two sides of a split."""
    shown = {part: pictures(data, part) for part in PARTS}
    held = {part: prints([p.path for p in shown[part]]) for part in PARTS}
    found = []
    for here, there in combinations(PARTS, 2):
        pairs = set(twins(held[here], held[there]))
        pairs |= same_content(shown[here], shown[there])
        if data.joined and there == "test":
            pairs |= crops_of_one(shown[here], shown[there])
        found += [Leak(shown[here][i], shown[there][j]) for i, j in sorted(pairs)]
    return found


def same_content(one: Sequence[Picture], other: Sequence[Picture]) -> set[tuple[int, int]]:
    """Returns the pairs that the labels already call one content: for each of the one, a first."""
    places: dict[str, int] = {}
    for place, picture in enumerate(other):
        places.setdefault(picture.content.casefold(), place)
    return {
        (place, places[picture.content.casefold()])
        for place, picture in enumerate(one)
        if picture.content.casefold() in places
    }


def crops_of_one(one: Sequence[Picture], other: Sequence[Picture]) -> set[tuple[int, int]]:
    """Returns the pairs of references that are crops of one photograph."""
    sides = [[i for i, p in enumerate(side) if p.reference] for side in (one, other)]
    if not 0 < len(sides[0]) * len(sides[1]) <= MOST_PAIRS:
        return set()
    mine, theirs = ([s[i].path for i in n] for s, n in zip((one, other), sides, strict=True))
    return {(sides[0][i], sides[1][j]) for i, j in shared_scenes(mine, theirs)}


def guard(data: IQADataModule) -> list[Leak]:
    """Returns the leaks of a split, having dealt with them as ``data.guard`` says.

    Raises:
        LeakError: If there are any and it says ``stop``.
    """
    found = leaks(data)
    if found and data.guard == "stop":
        raise LeakError(
            f"{told(found)}.\nSet data.guard=drop to leave the images that would leak out of "
            "training and validation, data.guard=warn to go on, or another data.split_by."
        )
    if found and data.guard == "drop":
        data.leave_out({place for leak in found for place in leak.here.places})
    return found


def unlabelled_leaks(data: IQADataModule, records: Sequence[Record]) -> list[Leak]:
    """Returns which images without labels show what the validation or the test part does."""
    given = [Picture(r.image, r.content, "unlabelled", (), False) for r in records]
    held = prints([picture.path for picture in given])
    found = []
    for part in ("val", "test"):
        shown = pictures(data, part)
        pairs = sorted(set(twins(held, prints([picture.path for picture in shown]))))
        found += [Leak(given[i], shown[j]) for i, j in pairs]
    return found


def told(found: Sequence[Leak]) -> str:
    """Returns a sentence on leaks that names the first ones."""
    first = ", ".join(str(leak) for leak in found[:SHOWN])
    number = "1 picture stands" if len(found) == 1 else f"{len(found)} pictures stand"
    return f"{number} on two sides of the split: {first}{', …' if len(found) > SHOWN else ''}"


def seen(data: IQADataModule) -> list[dict[str, str]]:
    """Returns the references a run learns from or selects by, in plain values for a checkpoint.

    Photographs without reference are not listed: no teacher learns from them alone.
    """
    shown = [p for part in ("train", "val") for p in pictures(data, part) if p.reference]
    thumbs = prints([picture.path for picture in shown]).thumbs
    return [
        {
            "content": picture.content,
            "file": str(picture.path.resolve()),
            "thumbnail": to_text(thumb),
        }
        for picture, thumb in zip(shown, thumbs, strict=True)
    ]


def learnt_from(contents: Iterable[Mapping[str, Any]]) -> tuple[list[Picture], Prints]:
    """Returns what :func:`seen` put into a checkpoint, as pictures and their prints."""
    contents = list(contents)
    learnt = [Picture(Path(c["file"]), c["content"], "learnt", (), True) for c in contents]
    return learnt, Prints.of([from_text(c["thumbnail"]) for c in contents])


def shared(data: IQADataModule, learnt: Sequence[Picture], held: Prints) -> list[Leak]:
    """Returns which pictures of the test part are among those that something was learnt from.

    Args:
        data: Whose test part.
        learnt: The pictures.
        held: Their prints; where their files are here, local features are compared as well.
    """
    tested = pictures(data, "test")
    pairs = set(twins(held, prints([picture.path for picture in tested])))
    if all(picture.path.is_file() for picture in learnt):
        pairs |= crops_of_one(learnt, tested)
    return [Leak(learnt[i], tested[j]) for i, j in sorted(pairs)]


def teacher_leaks(data: IQADataModule, contents: Iterable[Mapping[str, Any]]) -> list[Leak]:
    """Returns which of a teacher's contents are in the test part.

    Args:
        data: The student's.
        contents: What :func:`seen` put into the teacher's checkpoint.

    Raises:
        LeakError: If there are any, unless ``data.guard`` says ``warn``.
    """
    found = shared(data, *learnt_from(contents))
    if found and data.guard != "warn":
        names = ", ".join(f"'{leak.there.path.name}'" for leak in found[:SHOWN])
        more = ", …" if len(found) > SHOWN else ""
        raise LeakError(
            f"The teacher has learnt from {len({leak.there.path for leak in found})} of "
            f"{len(pictures(data, 'test'))} pictures of the test part: {names}{more}.\nTrain one "
            "that has not, with this run's split, or set data.guard=warn to go on and say so "
            "beside the numbers."
        )
    return found
