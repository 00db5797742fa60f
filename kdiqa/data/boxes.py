"""The positions of an image's crops that follow from its size alone."""

import math
from itertools import product
from typing import Literal

from kdiqa.runtime.words import check_word

CropMode = Literal["random", "grid", "center", "full", "five", "ten", "tiles"]
COUNTS = {"center": 1, "full": 1, "five": 5, "ten": 10, "tiles": 1}
Corner = tuple[int, int]


def check_numbers(num: int, size: int | None, mode: str, max_pixels: int) -> None:
    """Raises ``ValueError`` where the numbers of crops contradict their mode."""
    check_word("mode", mode, CropMode)
    count = COUNTS.get(mode, num)
    if mode == "tiles" and num != 1:
        raise ValueError(
            f"Mode 'tiles' takes as many crops as cover an image, not {num}. Set num: 1, and "
            "max_pixels to what all tiles of an image may have together."
        )
    if num != count:
        crops = "one crop" if count == 1 else f"{count} crops"
        raise ValueError(f"Mode {mode!r} gives {crops} of an image, not {num}. Set num: {count}.")
    if num < 1 or (size is not None and size < 1):
        raise ValueError(
            f"Crops are at least 1, of at least 1 pixel; here num: {num}, size: {size}."
        )
    if mode != "full" and size is None:
        raise ValueError(f"Mode {mode!r} needs the side of a crop in pixels. Set size: 224.")
    if mode in ("full", "tiles") and max_pixels < (size or 1) ** 2:
        raise ValueError(
            f"One crop of {size} pixels has {(size or 1) ** 2} of them, more than max_pixels: "
            f"{max_pixels}. Raise max_pixels, or lower size."
        )


def corners(mode: str, num: int, size: int, height: int, width: int) -> list[Corner]:
    """Returns the top left corners, (row, column), of an image's crops, at most as large as it.

    The mode is any but ``random`` and ``full``; ``grid`` alone asks for the number of crops.
    """
    bottom, right = height - size, width - size
    if mode == "grid":
        return grid(num, bottom, right)
    if mode == "tiles":
        return list(product(_steps(height, size), _steps(width, size)))
    if mode == "center":
        return [(bottom // 2, right // 2)]
    # torchvision's order, and its rounding: half a pixel goes to the even side.
    middle = (round(bottom / 2), round(right / 2))
    return [(0, 0), (0, right), (bottom, 0), (bottom, right), middle]


def grid(num: int, bottom: int, right: int) -> list[Corner]:
    """Returns ``num`` corners in [0, bottom] × [0, right], in rows as even as can be."""
    columns = round(math.sqrt(num * (right + 1) / (bottom + 1)))
    columns = min(max(columns, 1), num)
    rows = math.ceil(num / columns)
    counts = [num // rows + (row < num % rows) for row in range(rows)]
    return [
        (top, left)
        for top, count in zip(_spread(bottom, rows), counts, strict=True)
        for left in _spread(right, count)
    ]


def fitted(height: int, width: int, size: int | None, max_pixels: int) -> tuple[int, int]:
    """Returns the height and width an image is shrunk to so that it, or its tiles, fit the bound.

    With tiles of a ``size``, at most the short side of the image, it is shrunk to the largest size
    that takes one row or column of them less, until they are few enough; ``ValueError`` if they are
    still too many when the short side is one tile.
    """
    if size is None:
        shrink = min(1.0, math.sqrt(max_pixels / (height * width)))
        return max(1, int(height * shrink)), max(1, int(width * shrink))
    tall, wide = height, width
    while len(_steps(tall, size)) * len(_steps(wide, size)) * size**2 > max_pixels:
        fewer = [(len(_steps(side, size)) - 1) * size for side in (tall, wide)]
        shrink = max(fewer[0] / height, fewer[1] / width)
        tall, wide = (min(round(height * shrink), tall), min(round(width * shrink), wide))
        if min(tall, wide) < size:
            raise ValueError(
                f"An image of {width}×{height} pixels is too long for tiles of {size} pixels that "
                f"have {max_pixels} together. Raise max_pixels, or set mode: grid."
            )
    return tall, wide


def overlapping(side: int, size: int, stride: int) -> list[int]:
    """Returns where tiles that overlap begin along a side; the last ends where the side does.

    Example:
        >>> overlapping(100, 40, 20), overlapping(90, 40, 20), overlapping(40, 40, 20)
        ([0, 20, 40, 60], [0, 20, 40, 50], [0])
    """
    return [*range(0, side - size, stride), side - size]


def _steps(side: int, size: int) -> list[int]:
    """Returns where tiles that cover a side begin; the last is shifted inwards."""
    return [min(begin, side - size) for begin in range(0, side, size)]


def _spread(last: int, count: int) -> list[int]:
    return [last // 2] if count == 1 else [round(i * last / (count - 1)) for i in range(count)]
