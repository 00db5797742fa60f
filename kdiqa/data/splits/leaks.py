"""The leak check: no content in two subsets of a split, and none of the teacher's in the test.

What is compared is the reference of images that have one, else the image itself. Between two data
sets, references are compared by local features as well: TID2013's are crops of Kodak's photographs,
which LIVE has too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from kdiqa.data.record import Record
from kdiqa.data.splits.hashes import PerceptualHashes, duplicates, from_text, hashes_of, to_text
from kdiqa.data.splits.local_features import shared_scenes
from kdiqa.data.splits.split import SUBSETS, Assignment

OnLeak = Literal["stop", "warn", "drop"]
SHOWN = 3  # pairs that a message names
MOST_PAIRS = 20_000  # that local features are compared for: minutes


@dataclass(frozen=True)
class ComparedImage:
    """An image that stands for the records of one subset that show it."""

    path: Path
    content: str
    subset: str
    indices: tuple[int, ...]  # of those records
    reference: bool  # whether it is their pristine original


@dataclass(frozen=True)
class Leak:
    """One content in two subsets: ``here`` is the one that is trained on, or selects."""

    here: ComparedImage
    there: ComparedImage

    def __str__(self) -> str:
        one, other = (f"'{p.path.name}' ({p.subset})" for p in (self.here, self.there))
        return f"{one} is {other}"


class LeakError(ValueError):
    """The same content stands in two subsets."""


def compared(assignment: Assignment, subset: str) -> list[ComparedImage]:
    """Returns what the images of a subset show: one reference a content, else each image."""
    groups: dict[tuple[Path, bool], list[int]] = {}
    for index in assignment.indices(subset):
        record = assignment.records[index]
        key = (record.reference or record.image, record.reference is not None)
        groups.setdefault(key, []).append(index)
    return [
        ComparedImage(path, assignment.records[indices[0]].content, subset, tuple(indices), ref)
        for (path, ref), indices in groups.items()
    ]


def split_leaks(assignment: Assignment, policy: OnLeak, crops: bool = False) -> list[Leak]:
    """Returns what stands in two subsets of a split, with crops of one photograph in test or not.

    Raises ``LeakError`` if there is any and the policy is ``stop``.
    """
    images = {subset: compared(assignment, subset) for subset in SUBSETS}
    hashes = {subset: hashes_of([i.path for i in images[subset]]) for subset in SUBSETS}
    leaks = []
    for here, there in combinations(SUBSETS, 2):
        pairs = set(duplicates(hashes[here], hashes[there]))
        pairs |= same_content(images[here], images[there])
        if crops and there == "test":
            pairs |= crops_of_one(images[here], images[there])
        leaks += [Leak(images[here][i], images[there][j]) for i, j in sorted(pairs)]
    if leaks and policy == "stop":
        raise LeakError(
            f"{describe(leaks)}.\nSet data.guard=drop to leave the images that would leak out of "
            "training and validation, data.guard=warn to go on, or another data.split_by."
        )
    return leaks


def same_content(
    one: Sequence[ComparedImage], other: Sequence[ComparedImage]
) -> set[tuple[int, int]]:
    """Returns the pairs that the labels already call one content: for each of the one, a first."""
    mine, theirs = ([image.content.casefold() for image in side] for side in (one, other))
    first = {content: index for index, content in reversed(list(enumerate(theirs)))}
    return {(index, first[content]) for index, content in enumerate(mine) if content in first}


def crops_of_one(
    one: Sequence[ComparedImage], other: Sequence[ComparedImage]
) -> set[tuple[int, int]]:
    """Returns the pairs of references that are crops of one photograph."""
    sides = [[i for i, image in enumerate(side) if image.reference] for side in (one, other)]
    if not 0 < len(sides[0]) * len(sides[1]) <= MOST_PAIRS:
        return set()
    mine, theirs = ([s[i].path for i in n] for s, n in zip((one, other), sides, strict=True))
    return {(sides[0][i], sides[1][j]) for i, j in shared_scenes(mine, theirs)}


def unlabelled_leaks(
    assignment: Assignment, records: Sequence[Record], policy: OnLeak
) -> list[Leak]:
    """Returns which images without labels show what the validation or test images do.

    Raises ``LeakError`` if there is any and the policy is ``stop``.
    """
    unlabelled = [ComparedImage(r.image, r.content, "unlabelled", (), False) for r in records]
    hashes = hashes_of([image.path for image in unlabelled])
    leaks = []
    for subset in ("val", "test"):
        images = compared(assignment, subset)
        pairs = sorted(set(duplicates(hashes, hashes_of([image.path for image in images]))))
        leaks += [Leak(unlabelled[i], images[j]) for i, j in pairs]
    if leaks and policy == "stop":
        raise LeakError(
            f"Unlabelled images show what the run validates or tests: {describe(leaks)}.\nSet"
            " data.guard=drop to leave them out, data.guard=warn to go on, or another pool."
        )
    return leaks


def describe(leaks: Sequence[Leak]) -> str:
    """Returns a sentence on leaks that names the first ones."""
    first = ", ".join(str(leak) for leak in leaks[:SHOWN])
    number = "1 image stands" if len(leaks) == 1 else f"{len(leaks)} images stand"
    return f"{number} on two sides of the split: {first}{', …' if len(leaks) > SHOWN else ''}"


def learnt_contents(assignment: Assignment) -> list[dict[str, str]]:
    """Returns the references a run learns from or selects by, in plain values for a checkpoint.

    Images without a reference are not listed: no teacher learns from them alone.
    """
    images = [i for subset in ("train", "val") for i in compared(assignment, subset)]
    images = [image for image in images if image.reference]
    thumbs = hashes_of([image.path for image in images]).thumbs
    return [
        {"content": i.content, "file": str(i.path.resolve()), "thumbnail": to_text(thumb)}
        for i, thumb in zip(images, thumbs, strict=True)
    ]


def from_contents(
    contents: Iterable[Mapping[str, Any]],
) -> tuple[list[ComparedImage], PerceptualHashes]:
    """Returns what :func:`learnt_contents` put into a checkpoint, as images and their hashes."""
    contents = list(contents)
    learnt = [ComparedImage(Path(c["file"]), c["content"], "learnt", (), True) for c in contents]
    return learnt, PerceptualHashes.of([from_text(c["thumbnail"]) for c in contents])


def leaks_into_test(
    assignment: Assignment, learnt: Sequence[ComparedImage], hashes: PerceptualHashes
) -> list[Leak]:
    """Returns which test images are among those that something was learnt from.

    By their hashes and, where their files are here, by local features as well.
    """
    tested = compared(assignment, "test")
    pairs = set(duplicates(hashes, hashes_of([image.path for image in tested])))
    if all(image.path.is_file() for image in learnt):
        pairs |= crops_of_one(learnt, tested)
    return [Leak(learnt[i], tested[j]) for i, j in sorted(pairs)]


def teacher_leaks(
    assignment: Assignment, contents: Iterable[Mapping[str, Any]], policy: OnLeak
) -> list[Leak]:
    """Returns which of a teacher's contents are among the student's test images.

    Raises ``LeakError`` if there are any, unless the policy of the student's data is ``warn``.
    """
    leaks = leaks_into_test(assignment, *from_contents(contents))
    if leaks and policy != "warn":
        names = ", ".join(f"'{leak.there.path.name}'" for leak in leaks[:SHOWN])
        more = ", …" if len(leaks) > SHOWN else ""
        raise LeakError(
            f"The teacher has learnt from {len({leak.there.path for leak in leaks})} of "
            f"{len(compared(assignment, 'test'))} test images: {names}{more}.\nTrain one "
            "that has not, with this run's split, or set data.guard=warn to go on and say so "
            "next to the numbers."
        )
    return leaks
