"""Shares of the training images: those that are used, and those whose opinions are told."""

from __future__ import annotations

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


def shared(records: Sequence[Record], places: list[int], split: Split, share: float) -> list[int]:
    """Returns the first of some places, in the split's own order: a larger share holds a smaller.

    Args:
        records: All of the data set.
        places: Of some of them.
        split: Orders them by their names.
        share: Of the places, in (0, 1]; at least one is kept.
    """
    if share == 1:
        return places
    names = {f"{records[place].image.name}\x1f{place}": place for place in places}
    kept = split.order(names)[: max(1, round(share * len(places)))]
    return sorted(names[name] for name in kept)


def scored(
    records: Sequence[Record], places: Sequence[int], told: Sequence[int], label: Label
) -> list[Record]:
    """Returns the records at some places, mos as it is learned, NaN where it is not told."""
    known = set(told)
    return [
        replace(
            records[place],
            mos=label.learned(records[place].mos) if place in known else math.nan,
        )
        for place in places
    ]
