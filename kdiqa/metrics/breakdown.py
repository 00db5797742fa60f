"""Agreement by part: distortion, level, quality range, content, and the median over scenes.

A correlation within a part is lower than that of the whole, as its opinions spread less: compare
methods within a part, not parts with the whole.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from kdiqa.metrics.correlation import krcc, plcc, rmse, srcc
from kdiqa.metrics.vectors import is_constant

MIN_IMAGES = 5  # fewer have a count and an RMSE, but no correlation worth a look


def breakdown(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Returns the measures of each part, a row a part: n, srcc, plcc, krcc, rmse.

    Correlations are NaN where a part has fewer than five images or only one opinion; they are 0.0
    where the scores are constant. All are of the scores as they are: a curve fitted to a part
    would hide what sets it apart. Images of no known part count as the part `none`.

    Args:
        rows: predictions, with `score`, `mos` and the column named.
        by: `distortion`, `level`, `content`, or another column, as :func:`quality_range` makes.

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
    column = rows[by]
    if isinstance(column.dtype, pd.CategoricalDtype):
        parts = [(str(name), rows[column == name]) for name in column.cat.categories]
    else:
        parts = [(str(name), part) for name, part in rows.groupby(by, sort=True)]
    unknown = rows[column.isna()]
    parts = [*parts, ("none", unknown)] if len(unknown) else parts
    made = {name: _measures(part) for name, part in parts if len(part)}
    return pd.DataFrame.from_dict(made, orient="index").rename_axis(by)


def quality_range(rows: pd.DataFrame, num: int = 5) -> pd.Series:
    """Returns the quality range of each image, worst first: equal shares of the opinions.

    Ranges that would share an opinion are one, so that there may be fewer than were asked for.

    Args:
        rows: predictions, with `mos` in [0, 1], higher is better.
        num: how many ranges.

    Example:
        >>> rows = pd.DataFrame({"mos": [0.0, 0.1, 0.2, 0.6, 0.9, 1.0]})
        >>> quality_range(rows, 2).astype(str).tolist()
        ['0.00–0.40', '0.00–0.40', '0.00–0.40', '0.40–1.00', '0.40–1.00', '0.40–1.00']
    """
    edges = np.unique(np.quantile(rows["mos"], np.linspace(0, 1, num + 1)))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0]])
    # The upper end belongs to the last range, as every other lower end to its own.
    place = np.clip(np.searchsorted(edges, rows["mos"], side="right") - 1, 0, len(edges) - 2)
    names = [f"{low:.2f}–{high:.2f}" for low, high in pairwise(edges)]
    if len(set(names)) < len(names):
        names = [f"{low:g}–{high:g}" for low, high in pairwise(edges)]
    values = pd.Categorical.from_codes(place, names, ordered=True)
    return pd.Series(values, rows.index, name="quality")


def by_quality(rows: pd.DataFrame, num: int = 5) -> pd.DataFrame:
    """Returns the measures of each quality range, worst first.

    Args:
        rows: predictions, with `score` and `mos`.
        num: how many ranges.

    Example:
        >>> mos = np.linspace(0, 1, 20)
        >>> by_quality(pd.DataFrame({"mos": mos, "score": mos}), 2)["n"].tolist()
        [10, 10]
    """
    return breakdown(rows.assign(quality=quality_range(rows, num)), "quality")


def per_scene(rows: pd.DataFrame, by: str = "content") -> dict[str, float]:
    """Returns the medians over scenes of the correlations within a scene, as PIQ23 is reported.

    Scores of different scenes stand on different scales there, so that the correlation of the
    whole table says nothing. Scenes of fewer than five images, or of one opinion, do not count.

    Args:
        rows: predictions, with `score`, `mos` and the column named.
        by: the column that names the scene.

    Returns:
        `srcc`, `plcc` and `krcc`, medians; `scenes`, how many they are of. NaN where there are
        none.

    Example:
        >>> mos = [0.1, 0.2, 0.3, 0.4, 0.5] * 2
        >>> score = [1, 2, 3, 4, 5, 11, 12, 13, 14, 10]
        >>> found = per_scene(pd.DataFrame({"content": list("aaaaabbbbb"), "mos": mos,
        ...                                 "score": score}))
        >>> round(found["krcc"], 3), found["scenes"]
        (0.6, 2)
    """
    counted = breakdown(rows, by).dropna(subset="srcc")
    medians = {name: float(counted[name].median()) for name in ("srcc", "plcc", "krcc")}
    return medians | {"scenes": len(counted)}


def _measures(rows: pd.DataFrame) -> dict[str, float]:
    score, mos = rows["score"].to_numpy(np.float64), rows["mos"].to_numpy(np.float64)
    shown = len(rows) >= MIN_IMAGES and not is_constant(mos)
    measures = {"srcc": srcc, "plcc": plcc, "krcc": krcc}
    made = {name: f(score, mos) if shown else float("nan") for name, f in measures.items()}
    return {"n": len(rows)} | made | {"rmse": rmse(score, mos)}
