"""Shares of the training images: those that are used, and those whose labels training may see."""

import math
from collections.abc import Sequence
from dataclasses import replace

from kdiqa.data.record import Record
from kdiqa.data.scale import Label
from kdiqa.data.splits.split import Split


def check_shares(fraction: float, labelled_ratio: float) -> None:
    """Raises unless both shares are more than 0 and at most 1."""
    for images, key, share in (
        ("training images", "fraction", fraction),
        ("labelled training images", "labelled_ratio", labelled_ratio),
    ):
        if not 0 < share <= 1:
            raise ValueError(
                f"The share of the {images} is {share:g}. Set data.{key} to more than 0 and at "
                "most 1."
            )


def shared(records: Sequence[Record], indices: list[int], split: Split, share: float) -> list[int]:
    """Returns a share in (0, 1] of some indices, at least one: a larger share holds a smaller.

    They are ordered by the names of their records, as the split orders these.
    """
    if share == 1:
        return indices
    names = {f"{records[index].image.name}\x1f{index}": index for index in indices}
    chosen = split.order(names)[: max(1, round(share * len(indices)))]
    return sorted(names[name] for name in chosen)


def scored(
    records: Sequence[Record], indices: Sequence[int], labelled: Sequence[int], label: Label
) -> list[Record]:
    """Returns the records at some indices, mos as it is learned, NaN for those not labelled."""
    unit = dict.fromkeys(indices, math.nan) | {index: records[index].mos for index in labelled}
    return [replace(records[index], mos=label.learned(unit[index])) for index in indices]
