"""Intervals of what several runs come to: over the images that they were tested on, and over runs.

Over images, every image is drawn once for all runs that were tested on it, with all images of its content:
runs of several seeds share their test images, and those of several splits many of them. A run of
whose images a resample has none is left out of it. No source states this: our interpretation.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from kdiqa.metrics.resampling import (
    Interval,
    Measure,
    Weights,
    bootstrap,
    groups_of,
    weighted_srcc,
)
from kdiqa.metrics.vectors import Vector

SETTINGS: Mapping[str, float] = {"level": 0.95, "num_resamples": 2000, "seed": 0}


def median_interval(tables: Sequence[pd.DataFrame], measure: Measure = weighted_srcc) -> Interval:
    """Returns the median of a measure over runs, with its BCa bootstrap interval over images.

    Args:
        tables: the predictions of each run, with `id`, `content`, `mos` and `score`.
        measure: of agreement.
    """
    indices, groups = _union(tables)
    columns = [(table["score"].to_numpy(float), table["mos"].to_numpy(float)) for table in tables]

    def median(weights: Weights) -> Vector:
        values = [
            _measured(measure, score, mos, weights[:, index])
            for (score, mos), index in zip(columns, indices, strict=True)
        ]
        return np.nanmedian(values, axis=0)

    return _bootstrap(median, groups)


def mean_difference(pairs: Sequence[pd.DataFrame], measure: Measure = weighted_srcc) -> Interval:
    """Returns by how much one variant agrees better, the mean over pairs of runs.

    Args:
        pairs: for each pair, the predictions of both on the same images: `id`, `content`, `mos`,
            `score` of the one, `score_b` of the other, as :func:`kdiqa.metrics.stored.aligned`
            makes them.
        measure: of agreement.
    """
    indices, groups = _union(pairs)
    columns = [table[["score", "score_b", "mos"]].to_numpy(float).T for table in pairs]

    def difference(weights: Weights) -> Vector:
        values = [
            _measured(measure, mine, mos, weights[:, index])
            - _measured(measure, other, mos, weights[:, index])
            for (mine, other, mos), index in zip(columns, indices, strict=True)
        ]
        return np.nanmean(values, axis=0)

    return _bootstrap(difference, groups)


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
    reach = float(stats.t.ppf((1 + SETTINGS["level"]) / 2, num - 1)) * std / num**0.5
    return {"low": mean - reach, "high": mean + reach, "of": "runs"}


def _bootstrap(statistic: Callable[[Weights], Vector], groups: np.ndarray) -> Interval:
    return bootstrap(
        statistic, groups, SETTINGS["level"], int(SETTINGS["num_resamples"]), int(SETTINGS["seed"])
    )


def _measured(measure: Measure, score: Vector, mos: Vector, weights: Weights) -> Vector:
    """Returns a run's measure in each resample; NaN where a resample has none of its images."""
    empty = weights.sum(axis=1) == 0
    values = measure(score, mos, np.where(empty[:, None], 1.0, weights))
    return np.where(empty, np.nan, values)


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
