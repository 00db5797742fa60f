"""Where in an image its quality is high or low: tile by tile, level by level."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdiqa.batch import Pyramid
from kdiqa.data.boxes import overlapping
from kdiqa.data.crops import Crops
from kdiqa.scorer.images import to_pixels
from kdiqa.scorer.open import Source, predictor_of
from kdiqa.scorer.predictor import Predictor

Image = NDArray[np.uint8]
Plane = NDArray[np.float64]
TILE = 128  # pixels, where the scorer sees whole images
CHUNK = 16  # tiles a pass: bounds memory
MAX_TILES = 400  # of an image; a larger one has tiles that overlap less, or stand apart
SHARES = "A level's share: the score less the score with that level's features left out."
NO_LEVELS = "This net has no levels: it reads one set of features."


class QualityMap(NamedTuple):
    """The scores of the tiles of an image, R rows and C columns of them."""

    score: float
    """Of the whole image, nominally in [0, 1], higher is better; not the mean of the tiles."""
    tiles: Plane
    """Each tile's score as an image of its own, nominally in [0, 1], higher is better, :math:`(R, C)`."""
    levels: Plane | None
    r"""By how much each level raises (lowers, where negative) a tile's score: the score less the
    score without that level, :math:`(L, R, C)`, fine to coarse; None for a net without levels."""
    rows: list[int]
    """The first pixel row of each row of tiles, in the image as it was cut."""
    columns: list[int]
    """Likewise."""
    tile: int
    """Side of a tile in pixels."""
    size: tuple[int, int]
    """Height and width of the image as it was cut: small ones are enlarged to a tile, and those
    that are re-distorted whole are shrunk where they are very large."""
    note: str
    """How the shares of levels were computed, or why they were not."""

    @property
    def pixels(self) -> Plane:
        """Each pixel's mean over the tiles that it is in, :math:`(H, W)`; NaN where it is in none."""
        total, count = np.zeros(self.size), np.zeros(self.size)
        for top, line in zip(self.rows, self.tiles, strict=True):
            for left, score in zip(self.columns, line, strict=True):
                box = np.s_[top : top + self.tile, left : left + self.tile]
                total[box] += score
                count[box] += 1
        return np.divide(total, count, out=np.full(self.size, np.nan), where=count > 0)


class Tiles:
    """Cuts an image, and whatever is aligned with it, into overlapping squares, row by row.

    Args:
        size: Side of a tile in pixels.
        overlap: Share of a tile that the next one shows too; less where there are too many.
    """

    def __init__(self, size: int, overlap: float) -> None:
        if size < 16 or not 0 <= overlap <= 0.9:
            raise ValueError(
                f"A map of tiles of {size} pixels that overlap by {overlap:g} cannot be made. Give"
                " tile at least 16, and overlap from 0 to 0.9."
            )
        self.size, self.stride = size, max(1, round(size * (1 - overlap)))

    def positions(self, height: int, width: int) -> tuple[list[int], list[int]]:
        """Returns the rows and the columns at which the tiles of an image begin."""
        stride = self.stride
        while True:
            rows, columns = (overlapping(side, self.size, stride) for side in (height, width))
            if len(rows) * len(columns) <= MAX_TILES:
                return rows, columns
            stride += max(1, stride // 4)

    def __call__(self, images: Mapping[str, Image], seed: int) -> dict[str, Image]:
        """Returns the tiles of each image, :math:`(R C, S, S, 3)`."""
        rows, columns = self.positions(*images["image"].shape[:2])
        boxes = [np.s_[y : y + self.size, x : x + self.size] for y in rows for x in columns]
        return {name: np.stack([image[box] for box in boxes]) for name, image in images.items()}


def quality_map(
    predictor: Predictor | Source, image: Any, tile: int | None = None, overlap: float = 0.5
) -> QualityMap:
    """Returns the scores of an image's tiles, and what each level adds to them.

    A level's share is found by occlusion (our interpretation): its features, of the image and of
    what that is compared with, are set to zero (to the training images' mean where the net
    standardises them), and the score is asked for again. The shares of several levels need not
    add up to the score. A net that reads several crops at once reads a tile as often.

    Args:
        predictor: Of the scores, or what :func:`kdiqa.load` takes.
        image: As for :meth:`kdiqa.scorer.Scorer.score`.
        tile: Side of a tile in pixels; by default that of the scorer's crops, or 128.
        overlap: Share of a tile that the next one shows too, from 0 to 0.9.

    Raises:
        ValueError: If the numbers are out of range, or the image cannot be read.
    """
    predictor = predictor_of(predictor)
    views, crops = predictor.views, predictor.views.crops
    if tile is None:
        tile = TILE if crops.size is None or crops.mode == "full" else int(crops.size)
    tiles = Tiles(tile, overlap)
    pixels, name = to_pixels(image)
    score = float(predictor.predict(predictor.batch_of(pixels, name)))
    seen = Crops(1, tile, "center").scaled(pixels)  # enlarged where no tile fits into it
    size = views.bounded(seen).shape[:2]
    rows, columns = tiles.positions(*size)
    scores, *without = predictions(predictor, views.with_crops(tiles)(seen, name)).reshape(
        -1, len(rows), len(columns)
    )
    levels = scores - np.stack(without) if without else None
    note = SHARES if without else NO_LEVELS
    return QualityMap(score, scores, levels, rows, columns, tile, size, note)


def predictions(predictor: Predictor, views: Mapping[str, Tensor]) -> Plane:
    """Returns the scores of T tiles: as they are and without each level, :math:`(1 + L, T)`."""
    net, crops = predictor.net, predictor.views.crops
    copies = 1 if getattr(net, "crop_fusion", None) == "mean" else crops.num
    chunks = []
    for start in range(0, len(views["image"]), CHUNK):
        batch = {
            name: tiles[start : start + CHUNK, None].expand(-1, copies, -1, -1, -1)
            for name, tiles in views.items()
        }
        with torch.inference_mode():
            pyramids = predictor.pyramids(batch)
            shown = [pyramids, *occlusions(net, pyramids)]
            chunks.append(torch.stack([predictor.score_pyramids(one).cpu() for one in shown]))
    return torch.cat(chunks, dim=1).numpy()


def occlusions(net: Any, pyramids: Mapping[str, Pyramid]) -> Iterator[dict[str, Pyramid]]:
    """Yields the pyramids without each level in turn; nothing where there are no levels."""
    first = next(iter(pyramids.values()))
    count = len(first) if isinstance(first, list | tuple) else 0
    if count < 2:
        return
    blank = neutral(net, first)
    for level in range(count):
        yield {
            name: [
                blank[level].expand_as(features) if index == level else features
                for index, features in enumerate(pyramid)
            ]
            for name, pyramid in pyramids.items()
        }


def neutral(net: Any, pyramid: Sequence[Tensor]) -> list[Tensor]:
    """Returns the features of a level without information, one value a channel."""
    standardise = getattr(net, "standardise", None)
    if standardise is None:
        return [level.new_zeros(()) for level in pyramid]
    means = standardise.mean.split(standardise.dims)
    return [mean.view(-1, 1, 1) for mean in means]
