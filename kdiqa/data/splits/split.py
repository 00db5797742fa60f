"""Which images train, which select, which test: by content, reproducibly, without a leak."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kdiqa.data.record import Record
from kdiqa.runtime.words import check_word

SUBSETS = ("train", "val", "test")
LEFT_OUT = "none"  # the subset of an image that is not used at all
SplitBy = Literal["content", "image", "official"]
CARVED = 0.1  # of the training contents become the validation subset where a split has none

SelectOn = Literal["val", "test", "train"]
# The subsets that stand in for another: where the test images select, as published codes have it,
# and where none are spared to select, for data sets of a few contents.
SUBSETS_OF: dict[SelectOn, dict[str, tuple[str, ...]]] = {
    "val": {},
    "test": {"train": ("train", "val"), "val": ("test",)},
    "train": {"train": ("train", "val"), "val": ("train", "val")},
}


@dataclass(frozen=True)
class Assignment:
    """The records of a data set, each in one subset of a split."""

    records: Sequence[Record]
    subsets: Sequence[str]  # train, val, test, or none for a record that is not used
    digest: str  # of all names, scores and subsets, whatever the order of the records

    @classmethod
    def of(cls, records: Sequence[Record], subsets: Sequence[str]) -> Assignment:
        """Returns the assignment with its digest."""
        return cls(records, subsets, digest(records, subsets))

    def indices(self, *subsets: str) -> list[int]:
        """Returns where the records of some subsets stand."""
        return [index for index, subset in enumerate(self.subsets) if subset in subsets]

    def write(self, path: Path) -> None:
        """Writes a table: image, content, split.

        :class:`kdiqa.data.splits.stored.SplitTable` reads it.
        """
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["image", "content", "split"])
            for record, subset in zip(self.records, self.subsets, strict=True):
                table.writerow([record.name, record.content, subset])


@dataclass
class Split:
    """Assigns each record to one subset.

    The groups (contents or images) are ordered by the sha256 of the split's index and their name:
    no random generator, whose stream may change with its library, and no hash seed. A group keeps
    its position when others are added or left out.

    Args:
        index: Which of the possible splits: 0, 1, 2, …
        by: What stays together: all images of a ``content``, only each ``image``, or the authors'
            ``official`` split; where they name no val, it gets 10 % of the training contents.
        ratios: Shares of train, val and test in the number of groups. A zero for val carves 10 %
            out of train as well.
        carve: Whether that is done; otherwise there is none.

    Example:
        >>> split = Split(index=0, ratios=(0.6, 0.2, 0.2))
        >>> split.assign([Record(Path(f"{i}.png"), 0.5, content=f"{i}") for i in range(5)])
        ['train', 'test', 'val', 'train', 'train']
    """

    index: int = 0
    by: SplitBy = "content"
    ratios: Sequence[float] = (0.7, 0.1, 0.2)
    carve: bool = True

    def __post_init__(self) -> None:
        check_word("split_by", self.by, SplitBy)
        self.ratios = tuple(self.ratios)
        if len(self.ratios) != 3 or min(self.ratios) < 0 or abs(sum(self.ratios) - 1) > 1e-6:
            raise ValueError(
                f"The shares of train, val and test are {list(self.ratios)}, but three that add up "
                "to 1 are needed. Set ratios: [0.7, 0.1, 0.2]."
            )

    def assign(self, records: Sequence[Record]) -> list[str]:
        """Returns the subset of each record: ``train``, ``val`` or ``test``."""
        if self.by == "official":
            subsets = self._official(records)
        else:
            groups = _groups(records, self.by)
            subset_of = self._cut(groups)
            subsets = [subset_of[group] for group in groups]
        return self.completed(records, subsets)

    def completed(self, records: Sequence[Record], subsets: list[str]) -> list[str]:
        """Returns the records' subsets, with validation carved out of train where they have none."""
        if "val" not in subsets and self.carve:
            subsets = self._carve(records, subsets)
        self.check_subsets(records, subsets)
        return subsets

    def order(self, groups: Iterable[str]) -> list[str]:
        """Returns the distinct groups in the order of this split."""

        def key(group: str) -> bytes:
            return hashlib.sha256(f"{self.index}\x1f{group}".encode()).digest()

        return sorted(set(groups), key=key)

    def without(self, assignment: Assignment, indices: Iterable[int]) -> Assignment:
        """Returns an assignment with some records left out."""
        subsets = list(assignment.subsets)
        for index in indices:
            subsets[index] = LEFT_OUT
        self.check_subsets(assignment.records, subsets)
        return Assignment.of(assignment.records, subsets)

    def _official(self, records: Sequence[Record]) -> list[str]:
        unknown = [record for record in records if record.split not in SUBSETS]
        if unknown:
            raise ValueError(
                f"{len(unknown)} of {len(records)} images have no official split, the first is "
                f"'{unknown[0].image.name}'. Set data.split_by=content or data.split_by=image."
            )
        return [record.split or "" for record in records]

    def _cut(self, groups: Iterable[str]) -> dict[str, str]:
        ordered = self.order(groups)
        test, val = (round(len(ordered) * share) for share in self.ratios[:0:-1])
        subsets = ["test"] * test + ["val"] * val
        subsets += ["train"] * (len(ordered) - len(subsets))
        return dict(zip(ordered, subsets, strict=True))

    def _carve(self, records: Sequence[Record], subsets: list[str]) -> list[str]:
        each = list(zip(_groups(records, self.by), subsets, strict=True))
        ordered = self.order(group for group, subset in each if subset == "train")
        carved = set(ordered[: max(1, round(len(ordered) * CARVED))])
        return ["val" if s == "train" and g in carved else s for g, s in each]

    def check_subsets(self, records: Sequence[Record], subsets: Sequence[str]) -> None:
        """Raises ``ValueError`` if a subset has no image."""
        counts = {subset: subsets.count(subset) for subset in SUBSETS}
        if 0 in (counts["train"], counts["test"]) or (counts["val"] == 0 and self.carve):
            contents = len({record.content for record in records})
            counted = ", ".join(f"{number} {subset}" for subset, number in counts.items())
            raise ValueError(
                f"{len(records)} images of {contents} contents, split by {self.by}, leave a subset "
                f"empty: {counted}.\nAdd images, or set data.split_by or data.ratios (now "
                f"{list(self.ratios)}) so that each subset has some."
            )


def _groups(records: Sequence[Record], by: SplitBy) -> list[str]:
    names = [record.name if by == "image" else record.content for record in records]
    return [name.casefold() for name in names]


def digest(records: Sequence[Record], assignment: Sequence[str]) -> str:
    """Returns the sha256 of all names, scores and subsets, whatever the order of the records."""
    lines = sorted(
        f"{record.name.casefold()}\t{record.content}\t{record.mos:.8f}\t{subset}"
        for record, subset in zip(records, assignment, strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
