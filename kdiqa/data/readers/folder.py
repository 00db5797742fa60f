"""Your own images, with their scores in one table."""

import csv
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import finite, read_csv
from kdiqa.data.record import Record
from kdiqa.data.splits.split import Split

LABELS = "labels.csv"
NEEDED = ("image", "mos")
OPTIONAL = ("ref", "split", "distortion", "level", "content")
SUBSETS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


class Folder(IQADataModule):
    r"""Your own images: a folder that holds them, at any depth, and ``labels.csv``.

    The smallest table has two columns, in any order, separated by commas::

        image,mos
        holiday/beach.jpg,4.5
        holiday/tower.jpg,2.0

    Then say on which scale you scored, here from 1 to 5 and higher is better, and train a student
    without a teacher; ``teacher=RUN`` in place of ``distill=false`` names one to learn from::

        kdiqa train distill=false data=folder data.root=/path/to/images \
            data.lower=1 data.upper=5

    An image is named by its path below the folder, or by the end of that path, down to its file
    name alone, where no other file's path ends so; letter case does not matter. Columns that may
    be added:

    - ``ref``: the pristine original of each image, named likewise. It is what a full-reference
      teacher compares with. All images of one original stay together in a split.
    - ``content``: what else keeps images together, for instance the scene or the person; wins
      over ``ref``. Without both, every image is split for itself.
    - ``split``: ``train``, ``val`` or ``test`` for each image. Without ``val``, a tenth of the
      training contents becomes it. Without this column, see ``split`` and ``ratios``.
    - ``distortion`` and ``level`` (a whole number): they stand in the tables of results.

    All other columns are left alone.

    Args:
        root: The folder.
        lower: The lower end of the scale that was scored on, not the lowest score there is.
        upper: Its upper end.
        lower_is_better: Whether low scores are good ones, as with DMOS.
        options: Those of :class:`kdiqa.data.datamodule.IQADataModule`.
    """

    name = "folder"
    homepage = ""
    licence = "your own"
    layout = ("*.jpg, *.png, … at any depth", "labels.csv: image,mos[,ref,split,distortion,level]")

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        lower: float = 0.0,
        upper: float = 1.0,
        lower_is_better: bool = False,
        **options: Any,
    ) -> None:
        if not lower < upper:
            raise ValueError(
                f"A scale from {lower:g} to {upper:g} has no room for scores. Set data.lower "
                "below data.upper, and data.lower_is_better=true where low scores are good."
            )
        self.mos_range = (lower, upper)
        self.lower_is_better = lower_is_better
        self.as_listed = options.get("split_by") is None
        super().__init__(root, **options)

    def read(self) -> Iterator[Record]:
        """Yields the images that ``labels.csv`` lists."""
        path = self.table(LABELS)
        columns = _columns(path)
        rows = list(read_csv(path, columns))
        if not rows:
            raise ValueError(f"'{path}' lists no image. Write a row for each: holiday.jpg,3.5")
        if self.as_listed and "split" in columns:
            self.split = Split(self.split.index, "official", self.split.ratios)
        self._check_scores(path, rows)
        images = self._located(path, rows, "image")
        references = self._located(path, rows, "ref") if "ref" in columns else {}
        _check_unique(path, [(line, images[row["image"]]) for line, row in rows])
        names: dict[str, str] = {}
        for line, row in rows:
            image, reference = images[row["image"]], references.get(row.get("ref", ""))
            # The first name of a file stands for it: others may call it by a longer path.
            original = names.setdefault(str(reference or image), row.get("ref") or row["image"])
            yield Record(
                image=image,
                mos=float(row["mos"]),
                content=(row.get("content") or original).casefold(),
                reference=reference,
                distortion=row.get("distortion") or None,
                level=_level(row.get("level", ""), path, line),
                split=_subset(row["split"], path, line) if "split" in columns else None,
            )

    def _check_scores(self, path: Path, rows: list[tuple[int, dict[str, str]]]) -> None:
        scores = [_score(row["mos"], path, line) for line, row in rows]
        lower, upper = self.mos_range
        outside = [i for i, score in enumerate(scores) if not lower <= score <= upper]
        if outside:
            raise ValueError(
                f"'{path}', line {rows[outside[0]][0]}: {scores[outside[0]]:g} lies outside the "
                f"scale from {lower:g} to {upper:g}; all scores lie from {min(scores):g} to "
                f"{max(scores):g}.\nSet data.lower and data.upper to the ends of the scale, for "
                "instance data.lower=1 data.upper=5."
            )

    def _located(
        self, table: Path, rows: list[tuple[int, dict[str, str]]], column: str
    ) -> dict[str, Path]:
        """Returns the file of each name in a column."""
        names = {row[column]: line for line, row in reversed(rows)}  # the first line of each
        found = self.files.ending_in({_end(name) for name in names})
        files = {name: found[_end(name)] for name in names if _end(name) in found}
        missing = {
            row[column]: names[row[column]]
            for _, row in rows
            if row[column] not in files and (row[column] or column == "image")
        }
        if missing:
            self._refuse_missing(table, column, missing)
        return files

    def _refuse_missing(self, path: Path, column: str, missing: dict[str, int]) -> None:
        by_name: dict[str, list[Path]] = {}
        for file in self.files:
            by_name.setdefault(file.name.casefold(), []).append(file)
        name, line = next(iter(missing.items()))
        near = [_bare(name)] if _bare(name) in by_name else get_close_matches(_bare(name), by_name)
        files = [by_name[close][0].relative_to(self.files.root) for close in near[:1]]
        hint = f"; the nearest name there is '{files[0]}'" if files else ""
        raise FileNotFoundError(
            f"'{path}' lists {len(missing)} names in column '{column}' that are no file in "
            f"'{self.root}',\nthe first in line {line}: '{name}'{hint}.\nName each image by its "
            f"path below that folder, or set data.root (now from {self.root_from})."
        )


def _end(name: str) -> str:
    return name.replace("\\", "/").casefold().removeprefix("./")


def _bare(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].casefold()


def _columns(path: Path) -> list[str]:
    """Returns those columns of a table that are read."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        header = [name.strip() for name in next(csv.reader(file), [])]
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise ValueError(
            f"'{path}' has no column '{missing[0]}': its first line is '{','.join(header)}'. "
            "Name the columns there,\nseparated by commas: image,mos and, where you have them, "
            f"{','.join(OPTIONAL)}."
        )
    return [name for name in (*NEEDED, *OPTIONAL) if name in header]


def _score(text: str, path: Path, line: int) -> float:
    if (score := finite(text)) is None:
        raise ValueError(
            f"'{path}', line {line}: mos is '{text}', which is no number. Write one such as 3.5, "
            "or take that row out."
        )
    return score


def _level(text: str, path: Path, line: int) -> int | None:
    if not text:
        return None
    if not text.lstrip("-").isdecimal():
        raise ValueError(
            f"'{path}', line {line}: level is '{text}', which is no whole number. Write one such "
            "as 3, or leave it empty."
        )
    return int(text)


def _subset(text: str, path: Path, line: int) -> str:
    if text.casefold() not in SUBSETS:
        raise ValueError(
            f"'{path}', line {line}: split is '{text}'. Write train, val or test in every row, or "
            "take that column out."
        )
    return SUBSETS[text.casefold()]


def _check_unique(path: Path, images: list[tuple[int, Path]]) -> None:
    lines: dict[str, int] = {}  # of paths, hashes take long
    for line, image in images:
        first = lines.setdefault(str(image), line)
        if first != line:
            raise ValueError(
                f"'{path}' lists '{image.name}' twice, in lines {first} and {line}. Keep "
                "one row an image, for instance with the mean of its scores."
            )
