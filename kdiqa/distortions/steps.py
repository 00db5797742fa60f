"""The steps of a re-distortion: each takes 8-bit RGB and a generator, and returns 8-bit RGB.

They do what the usual chain of Pillow, numpy and scipy does, at a fraction of its time: training
waits for them. ``bench/redistortion.py`` writes the usual chain out and compares.
"""

from abc import ABC, abstractmethod
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray
from scipy.special import ndtri

from kdiqa.distortions.compression import jpeg_pixels
from kdiqa.distortions.kadid import find
from kdiqa.distortions.pixels import Pixels, stretch, to_float, to_uint8

CHUNK = 2**15  # so that what numpy makes of 16-bit indices, four times their size, stays in cache


class Step(ABC):
    """One operation on 8-bit RGB, :math:`(H, W, 3)`; its text names all that it depends on."""

    @abstractmethod
    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image after the step, in the same shape; the input is not modified."""

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"

    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


class GaussianBlur(Step):
    """A Gaussian of ``radius`` pixels, borders replicated.

    Pillow's filter of that name makes three passes of a box instead: at a radius of 2 the two
    differ by 52 to 54 dB, at 7 by 48 dB.
    """

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the blurred image; the kernel ends where Pillow's does, at 3 radii."""
        size = 2 * max(1, round(3 * self.radius)) + 1
        border = cv2.BORDER_REPLICATE
        return cv2.GaussianBlur(image, (size, size), self.radius, borderType=border)


class MotionBlur(Step):
    """The mean over a line of ``length`` pixels, horizontal or vertical at random."""

    def __init__(self, length: int, horizontal: bool | None = None) -> None:
        self.length, self.horizontal = length, horizontal

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the blurred image; a running sum, so the length costs nothing."""
        horizontal = rng.random() < 0.5 if self.horizontal is None else self.horizontal
        return cv2.blur(image, (self.length, 1) if horizontal else (1, self.length))


class Jpeg(Step):
    """Baseline JPEG of ``quality`` in [1, 100], chroma 4:2:0, as Pillow writes it."""

    def __init__(self, quality: int) -> None:
        self.quality = quality

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image encoded and decoded in memory."""
        return jpeg_pixels(image, self.quality)


class GaussianNoise(Step):
    """White Gaussian noise of ``variance``, on a scale of [0, 1], on each element."""

    def __init__(self, variance: float) -> None:
        self.variance = variance

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image plus noise, saturated.

        An integer plus noise, rounded, is the integer plus rounded noise: so 16 random bits look
        the rounded noise up in the quantiles of its law, four elements to a 64-bit draw.
        """
        words = rng.bit_generator.random_raw(-(-image.size // 4)).view(np.uint16)[: image.size]
        quantiles, noise = _quantiles(self.variance), np.empty(image.size, np.int16)
        for start in range(0, image.size, CHUNK):
            chunk = slice(start, start + CHUNK)
            np.take(quantiles, words[chunk], out=noise[chunk], mode="clip")
        return cv2.add(image, noise.reshape(image.shape), dtype=cv2.CV_8U)


@lru_cache(maxsize=16)
def _quantiles(variance: float) -> NDArray[np.int16]:
    """Returns the 65536 quantiles of rounded Gaussian noise on a scale of 255."""
    share = (np.arange(65536) + 0.5) / 65536
    return np.rint(255 * variance**0.5 * ndtri(share)).astype(np.int16)


class ImpulseNoise(Step):
    """Whole pixels set to black or white, a share ``density`` of them."""

    def __init__(self, density: float) -> None:
        self.density = density

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image with impulses.

        Each pixel is struck independently, so that the gaps between struck ones are geometric:
        we draw the gaps instead of a number for each pixel.
        """
        result = image.copy()
        pixels = result.reshape(-1, 3)
        expected = len(pixels) * self.density
        gaps = rng.geometric(self.density, int(expected + 8 * expected**0.5 + 8))
        struck = np.cumsum(gaps) - 1
        struck = struck[struck < len(pixels)]
        pixels[struck] = 255 * rng.integers(0, 2, (len(struck), 1), dtype=np.uint8)
        return result


class NoisyBlur(Step):
    """White Gaussian noise of ``variance``, then a 3 x 3 mean: a poor man's denoising."""

    def __init__(self, variance: float) -> None:
        self.variance = variance

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image after noise and mean."""
        return cv2.blur(GaussianNoise(self.variance)(image, rng), (3, 3))


class Kadid(Step):
    """A type of KADID-10k at any ``amount``, which need not be one of its five levels."""

    def __init__(self, kind: int | str, amount: float, mapmm: bool = False) -> None:
        self.kind, self.amount, self.mapmm = find(kind).name, amount, mapmm

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the distorted image, by way of float."""
        floats = stretch(to_float(image)) if self.mapmm else to_float(image)
        result = find(self.kind).apply(floats, self.amount, rng)
        return to_uint8(stretch(result) if self.mapmm else result)


class PhotometricFloor(Step):
    """Luminance of mean .5 and standard deviation .2, saturation halved.

    One gain for all channels, then half of what is left of colour: images that differ by
    brightness or contrast alone become alike, so that what they differed by shows against them.
    """

    def __call__(self, image: Pixels, rng: Generator) -> Pixels:
        """Returns the image under one affine map of its colours."""
        weights = np.array([0.299, 0.587, 0.114])
        luminance = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
        mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(luminance))
        gain = 0.2 * 255 / max(deviation, 1.0)  # a flat image stays flat
        colours = gain * (0.5 * np.eye(3) + 0.5 * weights)
        return cv2.transform(image, np.column_stack([colours, np.full(3, 127.5 - gain * mean)]))


def generator(seed: int) -> Generator:
    """Returns the generator of one image; SFC64 draws raw bits fastest."""
    return Generator(np.random.SFC64(SeedSequence(seed)))
