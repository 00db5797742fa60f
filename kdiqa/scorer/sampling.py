"""The crops of an image in floats, with a gradient: the same positions as its 8-bit crops have."""

from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdiqa.data.crops import MOVES
from kdiqa.scorer.views import Views

LONGEST = 2**16  # pixels of a side: two bytes hold a position


class Sampling:
    """Cuts a float image where a scorer's views cut it, resized as OpenCV resizes it.

    Raises:
        ValueError: If its crops do more to an image than to resize, cut and mirror it.
    """

    def __init__(self, views: Views) -> None:
        self.views, self.crops = views, views.crops
        for step in self.crops.compose.transforms:
            if not isinstance(step, MOVES):
                raise ValueError(
                    f"This scorer's crops are changed by {type(step).__name__}, which passes no"
                    " gradient. Take a scorer whose test crops are only cut and mirrored."
                )

    def __call__(self, image: Tensor) -> Tensor:
        """Returns the crops, :math:`(P, 3, h, w)`, of an image :math:`(3, H, W)` in [0, 1]."""
        fixed = image.detach().clamp(0, 1).mul(255).round().to(torch.uint8).cpu()
        pixels = np.ascontiguousarray(fixed.permute(1, 2, 0).numpy())
        seen = self.crops.scaled(pixels)
        rows, columns = self._positions(pixels, seen)
        x = resized(image, seen.shape[0], seen.shape[1])
        positions = [torch.from_numpy(position).to(x.device) for position in (rows, columns)]
        return x[:, positions[0], positions[1]].transpose(0, 1)

    def _positions(
        self, pixels: NDArray[np.uint8], seen: NDArray[np.uint8]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the row and the column that each pixel of each crop is from, :math:`(P, h, w)`."""
        height, width = seen.shape[:2]
        assert max(height, width) <= LONGEST
        coded = {  # as images: the two bytes of a position, and a third channel
            f"position{axis}": np.stack([*np.divmod(at, 256), 0 * at], axis=-1).astype(np.uint8)
            for axis, at in enumerate(np.mgrid[:height, :width])
        }
        seed = self.views.draw(self.views.drawn_by(pixels)).seed("per_epoch", "crops")
        cut = self.crops({"image": seen, **coded}, seed)
        rows, columns = (
            crop[..., 0].astype(np.int64) * 256 + crop[..., 1]
            for crop in (cut["position0"], cut["position1"])
        )
        return rows, columns


def resized(image: Tensor, height: int, width: int) -> Tensor:
    """Returns an image :math:`(3, H, W)` resized as OpenCV does, by its own weights."""
    old = image.shape[1:]
    if old == (height, width):
        return image
    way = "linear"
    if height * width < old[0] * old[1]:
        way = "area" if height <= old[0] and width <= old[1] else "mixed"
    down = weights(old[0], height, way).to(image)
    across = weights(old[1], width, way).to(image)
    return down @ image @ across.T


@lru_cache(maxsize=16)
def weights(before: int, after: int, way: str) -> Tensor:
    """Returns what each old pixel of a line gives to each new one, :math:`(after, before)`.

    In a ``mixed`` way OpenCV shrinks one side and enlarges the other, both otherwise than it does
    either alone; else it is ``linear`` or ``area``.
    """
    kernel = cv2.INTER_LINEAR if way == "linear" else cv2.INTER_AREA
    # Enlarged to twice its width the other side only repeats its columns.
    repeats = 2 if way == "mixed" else 1
    single = np.eye(before, dtype=np.float32)
    columns = cv2.resize(single, (repeats * before, after), interpolation=kernel)
    return torch.from_numpy(np.ascontiguousarray(columns[:, ::repeats]))
