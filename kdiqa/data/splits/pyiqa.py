"""pyiqa's stored splits: pickles of rows, and columns of its tables of images."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from kdiqa.data.record import Record
from kdiqa.data.splits.listed import (
    ListedImages,
    ListError,
    Lists,
    by_subset,
    name_column,
    read_rows,
)
from kdiqa.data.splits.stored import StoredSplit


class PyiqaColumn(StoredSplit):
    """A column of pyiqa's table of images (``meta_info_*.csv``).

    Args:
        path: The table.
        column: Which column; ``{fold}`` in it becomes the number of the fold, from 01 on.
        partial: Leaves images out that the table does not list.
    """

    def __init__(
        self,
        path: str | Path,
        column: str = "ratio802_seed123_split_{fold}",
        partial: bool = False,
    ) -> None:
        super().__init__(path, partial)
        self.column = column

    def lists(self, records: Sequence[Record], index: int) -> Lists:
        """Returns the lists of one column."""
        rows = read_rows(self.path)
        header = list(rows[0]) if rows else []
        # Both spellings exist: split_01 in the files, split01 in the documentation.
        spellings = (self.column, self.column.replace("split_{", "split{"))
        wanted = [spelling.format(fold=f"{index + 1:02d}") for spelling in spellings]
        column = next((name for name in wanted if name in header), None)
        if column is None:
            raise ListError(
                f"has no column '{wanted[0]}', its columns are {', '.join(header)}",
                "Set data.stored_split.column to one of them, or split to a fold that is there.",
            )
        return by_subset(rows, name_column(rows), column, ListedImages(records))


class PyiqaPickle(StoredSplit):
    """pyiqa's pickle: for each fold, counted from 1, rows of its table of images.

    Read as plain containers: a pickle that names any class or function is refused unopened, since
    loading such a one runs whatever it names.

    Args:
        path: The pickle.
        meta_info: The table whose rows, from 0 on, it counts.
        skip: Rows of the table that are not counted: 7 for the LIVE Challenge.
        partial: Leaves images out that it does not list.
    """

    def __init__(
        self, path: str | Path, meta_info: str | Path, skip: int = 0, partial: bool = False
    ) -> None:
        super().__init__(path, partial)
        self.meta_info = Path(meta_info).expanduser()
        self.skip = skip

    def lists(self, records: Sequence[Record], index: int) -> Lists:
        """Returns the lists of one fold."""
        folds = self._folds()
        if index + 1 not in folds:
            raise ListError(
                f"has the folds {', '.join(map(str, folds))} and not {index + 1}",
                f"Set split to one from 0 to {len(folds) - 1}.",
            )
        rows = read_rows(self.meta_info)[self.skip :]
        images, column = ListedImages(records), name_column(rows)
        lists: dict[str, list[int]] = {}
        for subset, numbers in folds[index + 1].items():
            if any(not 0 <= number < len(rows) for number in numbers):
                raise ListError(
                    f"asks for row {max(numbers)} and '{self.meta_info}' has {len(rows)}, from 0 on",
                    "Set data.stored_split.meta_info to the table it was made with.",
                )
            lists[subset] = [images.index(rows[number][column]) for number in numbers]
        return lists

    def _folds(self) -> dict[int, dict[str, list[int]]]:
        try:
            with self.path.open("rb") as file:
                folds: Any = PlainUnpickler(file).load()
            return {
                int(fold): {str(subset): list(map(int, rows)) for subset, rows in lists.items()}
                for fold, lists in folds.items()
            }
        except (pickle.UnpicklingError, EOFError, AttributeError, TypeError, ValueError) as error:
            raise ListError(
                f"cannot be read as folds of rows: {error}",
                "Plain dicts and lists of numbers are read, and nothing that could run code.",
            ) from error


class PlainUnpickler(pickle.Unpickler):
    """Reads containers and numbers, and refuses whatever a pickle wants to import."""

    def find_class(self, module: str, name: str) -> NoReturn:
        """Raises ``UnpicklingError``, whatever is asked for."""
        raise pickle.UnpicklingError(f"it wants to import {module}.{name}")
