"""Agreement by part of a test, distortion, level or content, and within contents.

A correlation within a part is lower than that of all images, as its labels spread less: compare
methods within a part, not parts with all images.
"""

import numpy as np
import pandas as pd

from kdiqa.metrics.correlation import krcc, plcc, rmse, srcc
from kdiqa.metrics.vectors import is_constant

MIN_IMAGES = 5  # fewer have a count and an RMSE, but no meaningful correlation
FEWEST = 3  # images of a content to rank within: two rank right or wrong, nothing between
CORRELATIONS = {"srcc": srcc, "plcc": plcc, "krcc": krcc}


def breakdown(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Returns the measures of each part, a row a part: n, srcc, plcc, krcc, rmse.

    Correlations are NaN where a part has fewer than five images or a single label; they are 0.0
    where the scores are constant. All are of the scores as they are: a curve fitted to a part
    would hide how it differs. Images of no known part count as the part `none`.

    Args:
        rows: predictions, with `score`, `mos` and the column named.
        by: `distortion`, `level`, `content`, or another column.

    Raises:
        ValueError: if the table has no such column.

    Example:
        >>> mos = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
        >>> rows = pd.DataFrame({"distortion": list("aaaaab"), "mos": mos, "score": mos})
        >>> breakdown(rows, "distortion")[["n", "krcc"]].round(3).to_dict("index")
        {'a': {'n': 5, 'krcc': 1.0}, 'b': {'n': 1, 'krcc': nan}}
    """
    if by not in rows:
        raise ValueError(
            f"The predictions have no column '{by}', only {list(rows)}. Break them down by one of "
            "those, or write them again with: python -m kdiqa.evaluate run=…"
        )
    measures = {
        "none" if pd.isna(name) else str(name): _measures(part)
        for name, part in rows.groupby(by, dropna=False)
    }
    return pd.DataFrame.from_dict(measures, orient="index").rename_axis(by)


def between(rows: pd.DataFrame, by: str) -> float:
    """Returns the SRCC of who knows an image's part alone: of each part's mean label.

    Nothing that it has is about the images: what a method has must be more.

    Args:
        rows: Predictions, with `mos` and the column named.
        by: `distortion`, `level`, `content`, or another column.

    Example:
        >>> rows = pd.DataFrame({"source": list("aabb"), "mos": [0.1, 0.2, 0.8, 0.9]})
        >>> round(between(rows, "source"), 3)
        0.894
    """
    means = rows.groupby(by, dropna=False)["mos"].transform("mean")
    return srcc(means.to_numpy(np.float64), rows["mos"].to_numpy(np.float64))


def summarize_within(rows: pd.DataFrame) -> dict[str, float]:
    """Returns the median over contents of what is measured within each, as PIQ23's scenes need.

    `srcc`, `plcc` and `krcc` are signed, `rmse` in units of the MOS, all of the scores as
    they are: a content has too few images for a curve of its own. `n` counts the images of
    contents that have three or more; the others are left out.

    Args:
        rows: predictions, with `score`, `mos` and `content`.

    Raises:
        ValueError: if no content has three images.

    Example:
        >>> content, mos = ["garden"] * 3 + ["street"] * 3, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
        >>> score = [1, 2, 3, 30, 20, 10]
        >>> rows = pd.DataFrame({"content": content, "mos": mos, "score": score})
        >>> summarize_within(rows)["srcc"]
        0.0
    """
    parts = [part for _, part in rows.groupby("content", dropna=False)]
    large = [part for part in parts if len(part) >= FEWEST]
    if not large:
        raise ValueError(
            f"none of {len(parts)} contents has {FEWEST} images, so that nothing can be measured "
            "within them. Report on all images at once: leave out --within."
        )
    measures = CORRELATIONS | {"rmse": rmse}
    medians = {
        name: float(np.median([measure(part["score"], part["mos"]) for part in large]))
        for name, measure in measures.items()
    }
    return medians | {"n": sum(map(len, large))}


def _measures(rows: pd.DataFrame) -> dict[str, float]:
    score, mos = rows["score"].to_numpy(np.float64), rows["mos"].to_numpy(np.float64)
    shown = len(rows) >= MIN_IMAGES and not is_constant(mos)
    values = {name: f(score, mos) if shown else np.nan for name, f in CORRELATIONS.items()}
    return {"n": len(rows)} | values | {"rmse": rmse(score, mos)}
