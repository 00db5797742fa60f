"""Agreement within scenes: for labels that compare images of one scene only, as in PIQ23."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from kdiqa.metrics.correlation import krcc, plcc, rmse, srcc

FEWEST = 3  # images of a scene: two rank right or wrong, nothing between


def summarize_within(score: ArrayLike, mos: ArrayLike, scenes: Sequence[str]) -> dict[str, float]:
    """Returns the median over scenes of what is measured within each.

    `srcc`, `plcc` and `krcc` are signed, `rmse` in units of the MOS, all of the scores as
    they are: a scene has too few images for a curve of its own. `n` counts the images of scenes
    that have three or more; the others are left out.

    Args:
        score: predictions, :math:`(N,)`.
        mos: labels, :math:`(N,)`.
        scenes: the scene of each image, :math:`(N,)`.

    Raises:
        ValueError: if no scene has three images.

    Example:
        >>> score, mos = [1, 2, 3, 30, 20, 10], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
        >>> summarize_within(score, mos, ["garden"] * 3 + ["street"] * 3)["srcc"]
        0.0
    """
    x, y, names = np.asarray(score, np.float64), np.asarray(mos, np.float64), np.asarray(scenes)
    groups = [np.flatnonzero(names == name) for name in np.unique(names)]
    large = [index for index in groups if len(index) >= FEWEST]
    if not large:
        raise ValueError(
            f"none of {len(groups)} contents has {FEWEST} images, so that nothing can be measured "
            "within them. Report on all images at once: leave out --within."
        )
    measures = {"srcc": srcc, "plcc": plcc, "krcc": krcc, "rmse": rmse}
    medians = {
        name: float(np.median([measure(x[index], y[index]) for index in large]))
        for name, measure in measures.items()
    }
    return medians | {"n": sum(map(len, large))}
