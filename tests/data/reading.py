"""What the tests of readers share."""

from __future__ import annotations

import pytest

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import FileIndex
from kdiqa.data.record import Record


def ready(data: IQADataModule) -> IQADataModule:
    """Returns a data module after its setup."""
    data.setup()
    return data


def labels(data: IQADataModule) -> list[Record]:
    """Returns what a reader finds in label files alone, as the authors give it."""
    assert data.root is not None
    data.files = FileIndex(data.root)
    return list(data.read())


def message_of(data: IQADataModule) -> str:
    """Returns the message for a wrong tree, in three lines at most."""
    with pytest.raises((FileNotFoundError, ValueError)) as caught:
        data.setup()
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)
