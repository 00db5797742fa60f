"""Intervals of what several runs come to: over the images that they were tested on, and over runs.

Over images, every image is drawn once for all runs that were tested on it, with all images of its content:
runs of several seeds share their test images, and those of several splits many of them. A run of
whose images a resample has none is left out of it. No source states this: our interpretation.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from kdiqa.metrics.resampling import (
    LEVEL,
    Interval,
    Measure,
    Weights,
    bootstrap,
    groups_of,
    weighted_srcc,
)
from kdiqa.metrics.vectors import Vector


def median_interval(tables: Sequence[pd.DataFrame], measure: Measure = weighted_srcc) -> Interval:
    """Returns the median of a measure over runs, with its BCa bootstrap interval over images.

    Args:
        tables: the predictions of each run, with `id`, `content`, `mos` and `score`.
        measure: of agreement.
    """

    def of_run(mos: Vector, score: Vector, weights: Weights) -> Vector:
        return measure(score, mos, weights)

    return _over_images(tables, ["mos", "score"], of_run, np.nanmedian)


def mean_difference(pairs: Sequence[pd.DataFrame]) -> Interval:
    """Returns by how much the SRCC of one variant is higher, the mean over pairs of runs.

    Args:
        pairs: for each pair, the predictions of both on the same images: `id`, `content`, `mos`,
            `score` of the one, `score_b` of the other, as :func:`kdiqa.metrics.stored.aligned`
            makes them.
    """

    def of_pair(mos: Vector, mine: Vector, other: Vector, weights: Weights) -> Vector:
        return weighted_srcc(mine, mos, weights) - weighted_srcc(other, mos, weights)

    return _over_images(pairs, ["mos", "score", "score_b"], of_pair, np.nanmean)


def over_runs(values: Sequence[float]) -> dict[str, float | str]:
    """Returns Student's interval of the mean over runs; nothing of a single run.

    It says what another draw of splits and seeds would change. Where all runs share their test
    images, it leaves out what other test images would change.

    Args:
        values: One a run.

    Example:
        >>> {key: round(x, 3) for key, x in over_runs([0.8, 0.9, 0.7]).items() if key != "of"}
        {'low': 0.552, 'high': 1.048}
    """
    num = len(values)
    if num < 2:
        return {}
    mean, std = float(np.mean(values)), float(np.std(values, ddof=1))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, num - 1)) * std / num**0.5
    return {"low": mean - reach, "high": mean + reach, "of": "runs"}


def _over_images(
    tables: Sequence[pd.DataFrame],
    names: list[str],
    measure: Callable[..., Vector],
    average: Callable[..., Vector],
) -> Interval:
    """Returns an average over tables of what is measured of some columns of each."""
    indices, groups = _union(tables)
    columns = [table[names].to_numpy(float).T for table in tables]

    def statistic(weights: Weights) -> Vector:
        values = []
        for index, vectors in zip(indices, columns, strict=True):
            mine = weights[:, index]
            empty = mine.sum(axis=1) == 0  # a resample without any of its images
            measured = measure(*vectors, np.where(empty[:, None], 1.0, mine))
            values.append(np.where(empty, np.nan, measured))
        return average(values, axis=0)

    return bootstrap(statistic, groups)


def _union(tables: Sequence[pd.DataFrame]) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns each table's row numbers among all images, and what is drawn together."""
    if not all("id" in table for table in tables):  # a table of one's own: nothing is shared
        lengths = np.cumsum([0, *map(len, tables)])
        indices = [np.arange(a, b) for a, b in pairwise(lengths)]
        return indices, groups_of(int(lengths[-1]), None)
    columns = [name for name in ("id", "content") if all(name in table for table in tables)]
    images = pd.concat([table[columns] for table in tables]).drop_duplicates("id")
    index = pd.Index(images["id"])
    contents = images["content"].fillna(images["id"]) if "content" in images else None
    return [index.get_indexer(table["id"]) for table in tables], groups_of(len(images), contents)
