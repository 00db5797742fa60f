"""Shares of the training images: those that are used, and those whose labels training may see."""

import math
from collections.abc import Sequence
from dataclasses import replace

from kdiqa.data.record import Record
from kdiqa.data.scale import Label
from kdiqa.data.splits.split import Split


def check_shares(fraction: float, labelled: float) -> None:
    """Raises unless the shares are more than 0 and at most 1; ``labelled`` may be a number too."""
    if not 0 < fraction <= 1:
        raise ValueError(
            f"The share of the training images is {fraction:g}. Set data.fraction to more than 0"
            " and at most 1."
        )
    if labelled <= 0 or (labelled > 1 and not isinstance(labelled, int)):
        raise ValueError(
            f"The share of the labelled training images is {labelled:g}. Set data.labelled to more"
            " than 0 and at most 1.0, or to a whole number of images."
        )


def shared(records: Sequence[Record], indices: list[int], split: Split, share: float) -> list[int]:
    """Returns a share in (0, 1] of some indices, at least one: a larger share holds a smaller.

    They are ordered by the names of their records, as the split orders these.

    Args:
        records: All of the data set.
        indices: Of some of them.
        split: Orders them.
        share: Of the indices or, an int, their number.

    Raises:
        ValueError: If there are fewer than that number.
    """
    count = share if isinstance(share, int) else max(1, round(share * len(indices)))
    if count == len(indices):
        return indices
    if count > len(indices):
        raise ValueError(
            f"{count} training images are to be labelled (data.labelled), and there are"
            f" {len(indices)}. Set data.labelled=1.0 for all of them."
        )
    names = {f"{records[index].image.name}\x1f{index}": index for index in indices}
    chosen = split.order(names)[:count]
    return sorted(names[name] for name in chosen)


def scored(
    records: Sequence[Record], indices: Sequence[int], labelled: Sequence[int], label: Label
) -> list[Record]:
    """Returns the records at some indices, mos as it is learned, NaN for those not labelled."""
    unit = dict.fromkeys(indices, math.nan) | {index: records[index].mos for index in labelled}
    return [replace(records[index], mos=label.learned(unit[index])) for index in indices]
