"""Which two photographs show one scene at another crop or scale: by local features.

Measured: of 32 pristine photographs (CID22, TID2013's references), crops of half the area are found
32 times of 32, also when shrunk to 0.6, blurred with sigma 1.5, or 70 % of it as JPEG of quality 20;
of a quarter of the area 31 times. Of 62 photographs of BIQ2021 and KonIQ-10k, some all but black,
53 to 58. None of the 4 371 pairs of different ones raises an alarm. 8 ms a pair. A mirrored crop is
not looked for.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from kdiqa.data.images.read import read_rgb

LONG_SIDE = 512  # pixels: larger photographs are made so much smaller first
FEATURES = 500  # of a photograph, the strongest
RATIO = 0.75  # the best match's distance, to the second best's (Lowe, 2004)
PIXELS = 4.0  # between a match and where the similarity puts it, at most
INLIERS = 15  # matches one similarity must explain
SCALES = (0.25, 4.0)  # a similarity that shrinks or grows more than that is none


@dataclass(frozen=True)
class Features:
    """Where a photograph's local features are, and what they look like."""

    points: NDArray[np.float32]  # in pixels, (N, 2)
    descriptors: NDArray[np.float32]  # SIFT, (N, 128)


def features_of(image: NDArray[np.uint8]) -> Features:
    """Returns the local features of an image, :math:`(H, W, 3)` RGB."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, LONG_SIDE / max(grey.shape))
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    points, descriptors = cv2.SIFT.create(FEATURES).detectAndCompute(grey, None)
    if descriptors is None:
        return Features(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    positions = np.array([point.pt for point in points], np.float32)
    return Features(positions, np.asarray(descriptors, np.float32))


def same_scene(one: Features, other: Features) -> bool:
    """Returns whether one similarity (shift, turn, scale) explains many matches of the two."""
    if min(len(one.points), len(other.points)) < INLIERS:
        return False
    pairs: Any = cv2.BFMatcher(cv2.NORM_L2).knnMatch(one.descriptors, other.descriptors, k=2)
    best: dict[int, tuple[float, int]] = {}  # each feature of the other is matched once
    for first, second in pairs:
        if first.distance < RATIO * second.distance:
            held = best.get(first.trainIdx, (np.inf, 0))
            best[first.trainIdx] = min(held, (first.distance, first.queryIdx))
    if len(best) < INLIERS:
        return False
    here = one.points[[query for _, query in best.values()]]
    there = other.points[list(best)]
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=PIXELS)
    if matrix is None or inliers.sum() < INLIERS:
        return False
    return bool(SCALES[0] <= np.hypot(matrix[0, 0], matrix[1, 0]) <= SCALES[1])


def shared_scenes(one: Sequence[Path], other: Sequence[Path]) -> list[tuple[int, int]]:
    """Returns the pairs of indices whose images show one scene; a few hundred of each."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        mine, theirs = (
            list(pool.map(lambda path: features_of(read_rgb(path)), side)) for side in (one, other)
        )
        pairs = list(product(range(len(one)), range(len(other))))
        same = pool.map(lambda pair: same_scene(mine[pair[0]], theirs[pair[1]]), pairs)
        tracked = track(same, "Crops of one photograph", len(pairs), transient=True)
        return [pair for pair, alike in zip(pairs, tracked, strict=True) if alike]
