"""Splits that others have stored, so that numbers can be compared image by image."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdiqa.data.record import Record
from kdiqa.data.splits.listed import (
    ListedImages,
    ListError,
    Lists,
    by_subset,
    listed_order,
    read_rows,
)
from kdiqa.data.splits.split import LEFT_OUT, SUBSETS


class StoredSplit:
    """Assigns each record the subset that a file names.

    Where a file holds out ``val`` and no ``test``, as pyiqa's do, what it calls val is the test
    subset here: validation is then carved from train, so that nothing is selected on it.

    Args:
        path: The file or folder.
        partial: Leaves images out that the file does not list, in place of an error.
    """

    def __init__(self, path: str | Path, partial: bool = False) -> None:
        self.path = Path(path).expanduser()
        self.partial = partial

    @abstractmethod
    def lists(self, records: Sequence[Record], index: int) -> Lists:
        """Returns the indices of each subset's images in ``records``, for one of the folds."""

    def assign(self, records: Sequence[Record], index: int) -> list[str]:
        """Returns the subset of each record, in the order of the authors' label file, of a fold.

        Raises ``FileNotFoundError`` if there is no file, ``ValueError`` if it does not fit.
        """
        if not self.path.exists():
            raise FileNotFoundError(
                f"No stored split at '{self.path}'. Set data.stored_split.path to where it is, or "
                "data/stored_split=[] for a split of our own."
            )
        try:
            return self._subsets(records, self.lists(records, index))
        except ListError as error:
            raise ValueError(f"The stored split '{self.path}' {error}") from error

    def _subsets(self, records: Sequence[Record], stored: Lists) -> list[str]:
        """Returns the subset of each record, by the lists of one fold."""
        lists = {subset: list(indices) for subset, indices in stored.items()}
        if not lists.get("test") and lists.get("val"):
            lists["test"], lists["val"] = lists["val"], []
        subsets = [LEFT_OUT] * len(records)
        for subset in SUBSETS:
            for position in lists.get(subset, ()):
                if not 0 <= position < len(records):
                    raise ListError(
                        f"asks for image {position}, and there are {len(records)}, from 0 on",
                        "It is of another data set, or of another list of its images.",
                    )
                if subsets[position] not in (LEFT_OUT, subset):
                    raise ListError(
                        f"puts '{records[position].name}' into {subsets[position]} and {subset}",
                        "Take the file from its authors again.",
                    )
                subsets[position] = subset
        if LEFT_OUT in subsets and not self.partial:
            fault = f"does not list {subsets.count(LEFT_OUT)} of {len(records)} images"
            first = records[subsets.index(LEFT_OUT)].name
            remedy = "Set data.stored_split.partial=true to leave them out."
            raise ListError(f"{fault}, the first is '{first}'", remedy)
        return subsets


class SplitTable(StoredSplit):
    """A table with the columns image and split: what a run writes as ``split.csv``."""

    def lists(self, records: Sequence[Record], index: int) -> Lists:
        """Returns the same lists for every index: the table holds one split."""
        return by_subset(read_rows(self.path), "image", "split", ListedImages(records))


class ArniqaNpy(StoredSplit):
    """ARNIQA's ``train.npy``, ``val.npy`` and ``test.npy``: a row of indices for each fold.

    Rows are filled up with -1. Indices count in the authors' own order of the images, for CSIQ in
    that of a list sorted by distortion; ``order`` says which.

    Args:
        path: The folder of the three files.
        order: The distortions, in the order in which the list goes through them; within one, it
            goes by content and level. None for the order of the records.
        partial: Leaves images out that they do not list.
    """

    def __init__(
        self, path: str | Path, order: Sequence[str] | None = None, partial: bool = False
    ) -> None:
        super().__init__(path, partial)
        self.order = order

    def lists(self, records: Sequence[Record], index: int) -> Lists:
        """Returns the lists of one fold."""
        order = listed_order(records, self.order)
        lists = {}
        for subset in SUBSETS:
            file = self.path / f"{subset}.npy"
            if not file.is_file():
                remedy = "Copy all three files of ARNIQA's folder."
                raise ListError(f"has no '{file.name}'", remedy)
            table = np.load(file, allow_pickle=False)
            table = table[None] if table.ndim == 1 else table
            if not 0 <= index < len(table):
                raise ListError(
                    f"has {len(table)} folds and not number {index}",
                    f"Set split to one from 0 to {len(table) - 1}.",
                )
            indices = [int(position) for position in table[index] if position != -1]
            # What lies outside stays what it is, for the message of assign().
            lists[subset] = [order[p] if 0 <= p < len(order) else p for p in indices]
        return lists


class LiqeTxt(StoredSplit):
    """LIQE's folders 1 to 10, each with lists ``*_train_clip.txt``, ``*_val_clip.txt``, ….

    The first column of a list, up to a tab, is the image. Some folders hold lists of another data
    set as well; those without ``_clip`` are not read.
    """

    def lists(self, records: Sequence[Record], index: int) -> Lists:
        """Returns the lists of one fold."""
        images = ListedImages(records)
        lists = {}
        for subset in SUBSETS:
            files = sorted((self.path / str(index + 1)).glob(f"*_{subset}_clip.txt"))
            if len(files) != 1:
                raise ListError(
                    f"has {len(files)} files '{index + 1}/*_{subset}_clip.txt', not one",
                    "Set data.stored_split.path to LIQE's folder of one data set (splits2).",
                )
            lines = files[0].read_text(encoding="utf-8").splitlines()
            lists[subset] = [images.index(line.split("\t")[0]) for line in lines if line.strip()]
        return lists
