"""Which record somebody's list means: by its name, or by its index in an order of their own."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from kdiqa.data.record import Record
from kdiqa.data.splits.split import LEFT_OUT, SUBSETS

Lists = Mapping[str, Iterable[int]]
NAME_COLUMNS = ("dist_name", "img_name", "image_name", "image", "name")


class ListError(ValueError):
    """A list does not fit the data set: what it does wrong, to follow its name, and what to do."""

    def __init__(self, fault: str, remedy: str) -> None:
        super().__init__(f"{fault}.\n{remedy}")


class ListedImages:
    """Finds images of a data set by the names in lists: with their folder, or without."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.named: dict[str, int] = {}
        self.with_folder: dict[str, dict[Path, int]] = {}
        self.by_name: dict[str, dict[Path, int]] = {}
        for index, record in enumerate(records):
            file = record.image
            name = file.name.casefold()
            self.named[record.name.casefold()] = index
            near = f"{file.parent.name.casefold()}/{name}"
            self.with_folder.setdefault(near, {})[file] = index
            self.by_name.setdefault(name, {})[file] = index

    def index(self, listed: str) -> int:
        """Returns the index of an image in the records; ``ListError`` if there is not just one."""
        path = PurePosixPath(listed.strip().replace("\\", "/").casefold())
        if str(path) in self.named:
            return self.named[str(path)]
        files = self.with_folder.get(f"{path.parent.name}/{path.name}", {})
        if len(files) > 1:
            end = "/" + str(path).lstrip("/")
            longer = {f: i for f, i in files.items() if f.as_posix().casefold().endswith(end)}
            files = longer or files
        files = files or self.by_name.get(path.name, {})
        if len(files) != 1:
            fault, remedy = "is not in the data set", "It is of another data set."
            if files:
                fault = f"may be {len(files)} images"
                remedy = "Write each image with its folder, as in jpeg/img1.bmp."
            raise ListError(f"lists '{listed}', which {fault}", remedy)
        return next(iter(files.values()))


def listed_order(records: Sequence[Record], distortions: Sequence[str] | None) -> list[int]:
    """Returns the indices of the records in the order of a list, or their own.

    A list goes by its distortions, and by content and level within each.
    """
    if distortions is None:
        return list(range(len(records)))
    rank = {_plain(name): index for index, name in enumerate(distortions)}
    unknown = [r.distortion for r in records if _plain(r.distortion or "") not in rank]
    if unknown:
        raise ListError(
            f"is ordered by {', '.join(distortions)}, and an image's distortion is {unknown[0]!r}",
            "Set data.stored_split.order to all distortions, in the list's order.",
        )

    def key(index: int) -> tuple[int, str, int]:
        record = records[index]
        return rank[_plain(record.distortion or "")], record.content.casefold(), record.level or 0

    return sorted(range(len(records)), key=key)


def _plain(name: str) -> str:
    return "".join(name.casefold().split())


def read_rows(path: Path) -> list[dict[str, str]]:
    """Returns the rows of a table of images; raises ``FileNotFoundError`` if there is none."""
    if not path.is_file():
        raise FileNotFoundError(
            f"No table of images at '{path}'. Set data.stored_split.path (for a pickle, "
            "data.stored_split.meta_info) to where it is."
        )
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def name_column(rows: Sequence[Mapping[str, str]]) -> str:
    """Returns which column of a table names the images."""
    header = list(rows[0]) if rows else []
    column = next((name for name in NAME_COLUMNS if name in header), None)
    if column is None:
        raise ListError(
            f"has no column of image names, its columns are {', '.join(header) or 'none'}",
            f"Name one of them {' or '.join(NAME_COLUMNS[:2])}.",
        )
    return column


def by_subset(
    rows: Sequence[Mapping[str, str]], name: str, column: str, images: ListedImages
) -> Lists:
    """Returns the indices of each subset's images, from a table with columns of both."""
    lists: dict[str, list[int]] = {subset: [] for subset in SUBSETS}
    for row in rows:
        if name not in row or column not in row:
            raise ListError(
                f"has no columns {name} and {column}, its columns are {', '.join(row)}",
                "Write a table with the columns image and split.",
            )
        if row[column] in SUBSETS:
            lists[row[column]].append(images.index(row[name]))
        elif row[column] not in (LEFT_OUT, ""):
            fault = f"puts '{row[name]}' into '{row[column]}'"
            raise ListError(fault, "A subset is train, val, test or none.")
    return lists
