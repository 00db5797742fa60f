"""JND-suppressed images, without their invisible differences, and images with JND noise.

How the just-noticeable difference enters is our interpretation: the paper speaks of a "minimum
just-noticeable-difference image" and gives no formula.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kdiqa.data.pairs.pairing import Image, Pairing, Reference
from kdiqa.data.record import Record
from kdiqa.data.seeds import SeedMode
from kdiqa.distortions.jnd import just_noticeable, luminance


class JNDSuppressed(Reference):
    r"""Each image, less what its reference hides (JND mode ``shrink``).

    .. math:: x' = r + \mathrm{sign}(x - r)\, \max(|x - r| - \mathrm{JND}(r),\; 0)

    for each colour, rounded to whole grey levels. An image that differs nowhere noticeably is its
    reference.
    """

    def __call__(self, image: Image, record: Record, seed: int) -> Image:
        """Returns the image of the noticeable differences, :math:`(H, W, 3)`."""
        reference = super().__call__(image, record, seed)
        difference = image.astype(np.float32) - reference
        noticeable = np.sign(difference) * np.maximum(np.abs(difference) - threshold(reference), 0)
        return to_pixels(reference + noticeable)


class Itself(Pairing):
    """The image itself, under another name."""

    def __call__(self, image: Image, record: Record, seed: int) -> Image:
        """Returns the image."""
        return image


@dataclass(eq=False)
class JNDNoise(Itself):
    r"""Each image with noise, in training alone (JND mode ``perturb``, and the student's noise).

    .. math:: x' = x + a\, s\, \mathrm{JND}(x) + \sigma n, \quad s = \pm 1,\; n \sim N(0, 1)

    s and n are drawn for each pixel, s is one for its three colours, and the deviation σ is drawn
    for each reading.

    Args:
        noticeable: The share a of the just-noticeable difference; 0 leaves it out.
        deviation: σ is uniform from 0 to this share of the range; 0 leaves it out.
        seed_mode: ``per_epoch`` draws anew in every epoch, ``per_image`` once for ever.
    """

    noticeable: float = 1.0
    deviation: float = 0.02
    seed_mode: SeedMode = "per_epoch"

    def __call__(self, image: Image, record: Record, seed: int) -> Image:
        """Returns the noisy image, :math:`(H, W, 3)`."""
        draw = np.random.default_rng(seed)
        sign = draw.integers(0, 2, (*image.shape[:2], 1), np.int8).astype(np.float32) * 2 - 1
        sigma = 255 * self.deviation * draw.random(dtype=np.float32)
        noisy = image + self.noticeable * sign * threshold(image)
        return to_pixels(noisy + sigma * draw.standard_normal(image.shape, np.float32))

    def evaluated(self) -> Pairing:
        """Returns what pairs in validation and test: the image without noise."""
        return Itself()


def threshold(image: Image) -> NDArray[np.float32]:
    """Returns the just-noticeable difference of an image's pixels, :math:`(H, W, 1)`."""
    planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    return np.asarray(just_noticeable(luminance(planes))[0].permute(1, 2, 0).numpy())


def to_pixels(levels: NDArray[np.float32]) -> Image:
    """Returns grey levels as 8-bit pixels."""
    return np.asarray(levels.round().clip(0, 255), np.uint8)
