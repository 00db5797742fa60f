"""Whether the labels and files of a data set are what they should be, before the work starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kdiqa.data.errors import BrokenImagesError, DatasetNotFoundError, ScoresError, shown
from kdiqa.data.images.read import MISSING, check_images
from kdiqa.data.record import Record

if TYPE_CHECKING:
    from kdiqa.data.datamodule import IQADataModule


def check_labels(data: IQADataModule, records: Sequence[Record]) -> None:
    """Raises ``ScoresError`` unless all authors' scores lie in the declared range."""
    lower, upper = data.mos_range
    outside = [record.mos for record in records if not lower <= record.mos <= upper]
    if outside or not records:
        raise ScoresError(data, outside, len(records))


def check_files(data: IQADataModule, paths: Iterable[Path]) -> None:
    """Raises unless all files are there and whole.

    Raises:
        DatasetNotFoundError: If some are missing.
        BrokenImagesError: If some are empty or cut short.
    """
    unique = set(paths)
    faults = check_images(sorted(unique))
    missing = [path for path, fault in faults.items() if fault == MISSING]
    if missing:
        raise DatasetNotFoundError(
            data,
            f"lacks {len(missing)} of {len(unique)} images, the first is "
            f"'{shown(missing[0], data)}'",
        )
    if faults:
        raise BrokenImagesError(data, faults)
