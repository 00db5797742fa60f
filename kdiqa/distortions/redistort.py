"""Re-distortion: an image made so poor that its quality no longer matters, only its content.

The presets are those of AKD-IQA and of its readers; `none` leaves the image as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kdiqa.distortions.kadid import find
from kdiqa.distortions.pixels import Pixels
from kdiqa.distortions.resampling import Resample, merge
from kdiqa.distortions.steps import (
    GaussianBlur,
    GaussianNoise,
    ImpulseNoise,
    Jpeg,
    Kadid,
    MotionBlur,
    NoisyBlur,
    PhotometricFloor,
    Step,
    generator,
)

VERSION = 1  # raise it when a step changes what it computes: caches are keyed by the description

GAUSSIAN = (0.1, 0.5, 1.0, 2.0, 5.0, 7.0)
MOTION = (12, 16, 20, 24, 28, 32)
JPEG = (70, 43, 36, 24, 4)
NOISE = (0.001, 0.002, 0.003, 0.05, 0.1, 0.25)
IMPULSE = (0.001, 0.005, 0.01, 0.02, 0.05, 0.15)
RESIZE = (2, 3, 4, 8, 16, 24)
NEAREST = (2, 3, 4, 5, 6, 8)
PIXELATE = (0.01, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Steps applied in order; the same image and seed give the same result.

    Args:
        steps: What to do, in order; no steps leave the image as it is.
        name: How to call it.
        photometric_floor: Bring luminance and saturation to a common floor first.
        choose: Draw this many of the steps for each image, in random order; None takes all.
        weights: How often each step is drawn, in proportion; None draws all alike.

    Example:
        >>> pipeline = Pipeline([GaussianBlur(2.0), Jpeg(24)], name="mine")
        >>> pipeline(np.zeros((64, 48, 3), np.uint8), seed=0).shape
        (64, 48, 3)
        >>> pipeline.description
        'mine, version 1: GaussianBlur(radius=2.0), Jpeg(quality=24)'
    """

    steps: Sequence[Step] = ()
    name: str = "custom"
    photometric_floor: bool = False
    choose: int | None = None
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        count = len(self.steps)
        if self.choose is not None and not 1 <= self.choose <= count:
            raise ValueError(f"choose={self.choose} of {count} steps. Give 1 to {count}.")

    def __call__(self, image: Pixels, seed: int) -> Pixels:
        """Returns the re-distorted image, 8-bit RGB :math:`(H, W, 3)`; the input is not modified.

        Every random draw comes from the seed, which is not negative.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f"A pipeline takes uint8 RGB (H, W, 3), not {image.dtype} {image.shape}. "
                "Read the image with kdiqa.data.images.read.read_rgb."
            )
        rng, steps = generator(seed), self.steps
        if self.choose is not None:
            drawn = rng.permutation(len(steps))[: self.choose]
            if self.weights is not None:
                p = np.asarray(self.weights) / np.sum(self.weights)
                drawn = rng.choice(len(steps), self.choose, replace=False, p=p)
            steps = [steps[i] for i in drawn]
        image = np.ascontiguousarray(image)
        result = PhotometricFloor()(image, rng) if self.photometric_floor else image
        for step in merge(steps):
            result = step(result, rng)
        return result.copy() if result is image else result

    @property
    def description(self) -> str:
        """All that the result depends on besides image and seed, as text: the key of caches."""
        steps = (PhotometricFloor(), *self.steps) if self.photometric_floor else self.steps
        drawn = f", {self.choose} drawn of" if self.choose is not None else ""
        text = ", ".join(map(repr, steps)) or "nothing"
        if self.weights is not None:
            shares = np.asarray(self.weights) / np.sum(self.weights)
            text += f" by {shares.round(6).tolist()}"
        return f"{self.name}, version {VERSION}{drawn}: {text}"


def none() -> Pipeline:
    """Returns the pipeline that does nothing: image and second image are the same."""
    return Pipeline(name="none")


def official9(level_index: int = 3, photometric_floor: bool = False) -> Pipeline:
    """Returns the fixed sequence of AKD-IQA's official code.

    Random are only its noises and the direction of the motion. Values are rounded where that code
    truncates: a brighter result by half a grey level. ``level_index`` picks each list's value, 0 to 4.
    """
    i = _checked(level_index)
    steps = [
        GaussianBlur(GAUSSIAN[i]),
        MotionBlur(MOTION[i]),
        Jpeg(JPEG[i]),
        GaussianNoise(NOISE[i]),
        ImpulseNoise(IMPULSE[i]),
        *_resamples(i),
        _pixelate(i),
    ]
    return Pipeline(steps, "official9", photometric_floor)


def official22(level_index: int = 4, photometric_floor: bool = False) -> Pipeline:
    """Returns the longer sequence of the same code, with our types of KADID-10k in it.

    Only names and amounts of that sequence are known to us: hue, brightness, contrast and spatial
    steps are those of :mod:`kdiqa.distortions.kadid` at these amounts, our interpretation.
    """
    return Pipeline(_all22(level_index), "official22", photometric_floor)


def random5(level_index: int = 4, choose: int = 5, photometric_floor: bool = False) -> Pipeline:
    """Returns five of the 22 steps of :func:`official22`, drawn anew for each seed."""
    return Pipeline(_all22(level_index), "random5", photometric_floor, choose)


def paper3p(photometric_floor: bool = False) -> Pipeline:
    """Returns the sequence of a third party who read the paper; the amounts are its guesses."""
    steps = [
        Resample(16, "nearest"),
        GaussianBlur(7.0),
        MotionBlur(21, horizontal=True),
        GaussianNoise((50 / 255) ** 2),
        ImpulseNoise(0.05),
        Jpeg(5),
    ]
    return Pipeline(steps, "paper3p", photometric_floor)


def kadid_max(level: int = 5, photometric_floor: bool = False) -> Pipeline:
    """Returns the sequence of :func:`official9` in types of KADID-10k at one level, the strongest.

    Our interpretation: Gaussian blur, motion blur, JPEG, white noise, impulse noise, pixelate.
    The three resize steps have no counterpart among the 25 types.
    """
    kinds = ("gaussian_blur", "motion_blur", "jpeg", "white_noise", "impulse_noise", "pixelate")
    return Pipeline([at_level(kind, level) for kind in kinds], "kadid_max", photometric_floor)


def mild(choose: int = 1) -> Pipeline:
    """Returns a mild distortion: one of KADID-10k's types at level 1 or 2, drawn for each seed.

    Without types 18 and 25, whose levels 1 and 2 are not the mild ones. Our interpretation of the
    views that QFM-IQM's label expansion needs.
    """
    kinds = [kind for kind in range(1, 25) if kind != 18]
    steps = [at_level(kind, level) for kind in kinds for level in (1, 2)]
    return Pipeline(steps, "mild", choose=choose)


def single(kind: int | str, level: int = 5, photometric_floor: bool = False) -> Pipeline:
    """Returns one type of KADID-10k at one level, without the stretch to the full range.

    Example:
        >>> single("jpeg", level=4).description
        "single jpeg, version 1: Kadid(kind='jpeg', amount=7, mapmm=False)"
    """
    step = at_level(kind, level)
    return Pipeline([step], f"single {step.kind}", photometric_floor)


def at_level(kind: int | str, level: int) -> Kadid:
    """Returns one of KADID-10k's distortions at one of its five levels."""
    return Kadid(kind, find(kind).amount(level))


def _resamples(i: int) -> list[Resample]:
    return [Resample(RESIZE[i]), Resample(RESIZE[i], "bilinear"), Resample(NEAREST[i], "nearest")]


def _pixelate(i: int) -> Resample:
    return Resample(1 / (0.95 - PIXELATE[i] ** 0.6), "nearest")


def _checked(level_index: int) -> int:
    if level_index not in (0, 1, 2, 3, 4):
        raise ValueError(
            f"level_index is {level_index!r}, but amounts are numbered 0 (mild) to 4 (strong). "
            "The official ones are 3 for official9 and 4 for official22 and random5."
        )
    return level_index


def _all22(level_index: int) -> list[Step]:
    i = _checked(level_index)
    return [
        GaussianBlur(GAUSSIAN[i]),
        at_level("lens_blur", i + 1),
        MotionBlur(MOTION[i]),
        *(at_level(kind, i + 1) for kind in ("saturation_hsv", "saturation_lab")),
        Jpeg(JPEG[i]),
        GaussianNoise(NOISE[i]),
        Kadid("white_noise_ycbcr", (0.0001, 0.0005, 0.001, 0.008, 0.05)[i]),
        ImpulseNoise(IMPULSE[i]),
        Kadid("multiplicative_noise", (0.001, 0.005, 0.01, 0.08, 0.15)[i]),
        NoisyBlur((0.001, 0.002, 0.003, 0.005, 0.01)[i]),
        *(at_level(kind, i + 1) for kind in ("brighten", "darken", "mean_shift")),
        *_resamples(i),
        Resample(RESIZE[i], "lanczos"),
        at_level("contrast_change", i + 1),
        _pixelate(i),
        *(at_level(kind, i + 1) for kind in ("non_eccentricity_patch", "jitter")),
    ]
