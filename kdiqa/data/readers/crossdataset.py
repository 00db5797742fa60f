"""Training on one data set, testing on another."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.record import Record, below, told_apart


class CrossDataset(IQADataModule):
    """All of one data set to train on, all of another to test on.

    A tenth of the training set's contents selects the checkpoint. Nothing is selected on the test
    set: the best epoch there, which some tables report, is an oracle and is not computed.
    Both are read as their own readers say, each score in [0, 1] by its own range and direction.
    The records are those of the training set, then those of the test set; contents, which may
    have one name in both, begin with the data set's name.

    Args:
        train_on: Reads the one; its own crops, pairs and split are not used.
        test_on: Reads the other, likewise.
        options: Those of :class:`kdiqa.data.datamodule.IQADataModule`, for both.
    """

    name = "crossdataset"
    mos_range = (0.0, 1.0)
    joined = True

    def __init__(self, train_on: IQADataModule, test_on: IQADataModule, **options: Any) -> None:
        if options.get("root") is not None or options.get("stored_split") is not None:
            raise ValueError(
                "Two data sets have no root or stored split in common. Set data.train_on.root and "
                "data.test_on.root, and data.stored_split=null."
            )
        if options.get("label_scale") == "raw":
            raise ValueError(
                f"{type(train_on).__name__} and {type(test_on).__name__} have scales of their own "
                "for scores. Set data.label_scale: unit or zscore."
            )
        super().__init__(**options)
        self.train_on, self.test_on = train_on, test_on
        for name, data in (("train_on", train_on), ("test_on", test_on)):
            data.setting = f"data.{name}.root"
            data.root_from = data.setting if data.root_from == "data.root" else data.root_from
        self.split.by = train_on.split.by if train_on.split.by == "image" else "content"

    def prepare_data(self) -> None:
        """Lets both make what they make of themselves."""
        self.train_on.prepare_data()
        self.test_on.prepare_data()

    def read(self) -> Iterator[Record]:
        """Yields the records of both, mos in [0, 1]."""
        for data in (self.train_on, self.test_on):
            for record in data.load():
                yield replace(record, content=f"{data.name}/{record.content}")

    def load(self) -> list[Record]:
        """Returns the records of both, once the labels of each have been looked at."""
        records = list(self.read())
        roots = [Path(data.root or "").resolve() for data in (self.train_on, self.test_on)]
        if roots[0] == roots[1]:
            raise ValueError(
                f"Training and test set are one: '{roots[0]}'. Set data.test_on.root to another, "
                f"or train with data={self.train_on.name}, which splits it."
            )
        self.root = Path(os.path.commonpath(roots))
        mark = f"{self.train_on.name}/"

        def folder_of(record: Record) -> str:
            of_train = record.content.startswith(mark)
            data, role = (self.train_on, "train") if of_train else (self.test_on, "test")
            return f"{role}/{below(record.image.parent, Path(data.root or ''))}".removesuffix("/.")

        return told_apart(records, folder_of)

    def assign(self, records: list[Record]) -> list[str]:
        """Returns train and val for the one, test for the other."""
        mark = f"{self.train_on.name}/"
        parts = ["train" if record.content.startswith(mark) else "test" for record in records]
        return self.split.completed(records, parts)
