"""The logistic curve that maps scores to the MOS before their linear correlation is taken."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from kdiqa.metrics.vectors import Vector, is_constant, pair

NUM_STARTS = 3  # of six valleys, that are gone down


@dataclass(frozen=True)
class LogisticFit:
    """A fitted logistic curve from scores to the MOS; `fit(score)` maps :math:`(N,)` to the same.

    `parameters` belong to standardised scores and labels; their means and standard deviations
    are `score_scale` and `mos_scale`. Where nothing could be fitted, `ok` is False and the curve
    is the identity.
    """

    parameters: tuple[float, ...] = ()
    score_scale: tuple[float, float] = (0.0, 1.0)
    mos_scale: tuple[float, float] = (0.0, 1.0)
    ok: bool = False

    def __call__(self, score: ArrayLike) -> Vector:
        """Returns the scores mapped onto the MOS, :math:`(N,)`."""
        x = np.asarray(score, np.float64)
        if not self.ok:
            return x
        b = self.parameters
        x = (x - self.score_scale[0]) / self.score_scale[1]
        if len(b) == 4:
            y = (b[0] - b[1]) * special.expit((x - b[2]) / abs(b[3])) + b[1]
        else:
            y = b[0] * (0.5 - special.expit(-b[1] * (x - b[2]))) + b[3] * x + b[4]
        return self.mos_scale[0] + self.mos_scale[1] * y


def fit_logistic(score: ArrayLike, mos: ArrayLike, num_parameters: int = 4) -> LogisticFit:
    r"""Returns the logistic curve that maps scores to the MOS with least squared error.

    With four parameters, as AKD-IQA and CVRKD-IQA use it,
    :math:`f(x) = (b_1 - b_2) / (1 + \exp(-(x - b_3) / |b_4|)) + b_2`;
    with five, as in VQEG's reports,
    :math:`f(x) = b_1 (1/2 - 1 / (1 + \exp(b_2 (x - b_3)))) + b_4 x + b_5`.

    Both are linear in all but steepness and centre, so that only these two are searched, within
    bounds and from several starts, and the others follow by linear least squares (variable
    projection, Golub and Pereyra 1973). The customary search over all of them from one start
    often fails, and runs away where the MOS rises exponentially. The curve may fall as well as
    rise: what is measured after it has no sign.

    Args:
        score: predictions, :math:`(N,)`.
        mos: labels, :math:`(N,)`.
        num_parameters: 4 or 5.

    Example:
        >>> x = np.linspace(0, 1, 50)
        >>> fit = fit_logistic(x, 1 / (1 + np.exp(-8 * (x - 0.4))))
        >>> fit.ok, round(float(fit(0.4)), 4)
        (True, 0.5)
    """
    x, y = pair(score, mos)
    if len(x) <= num_parameters or is_constant(x) or is_constant(y):
        return LogisticFit()
    score_scale, mos_scale = (float(x.mean()), float(x.std())), (float(y.mean()), float(y.std()))
    x, y = (x - score_scale[0]) / score_scale[1], (y - mos_scale[0]) / mos_scale[1]

    def solve(shape: Vector) -> tuple[Vector, Vector]:
        steepness, center = np.exp(shape[0]), shape[1]
        columns = [special.expit(steepness * (x - center)), np.ones_like(x), x]
        design = np.stack(columns[: num_parameters - 2], axis=1)
        weights = np.linalg.lstsq(design, y, rcond=None)[0]
        return weights, design @ weights - y

    bounds = ([np.log(1e-3), x.min() - 3], [np.log(1000), x.max() + 3])

    def search(start: ArrayLike, tolerance: float, most: int) -> optimize.OptimizeResult:
        exact = dict.fromkeys(("ftol", "xtol", "gtol"), tolerance)
        return optimize.least_squares(
            lambda shape: solve(shape)[1], start, "3-point", bounds, max_nfev=most, **exact
        )

    # Few noisy rows have many valleys: a coarse search finds, for each steepness, where to go down.
    centers = np.quantile(x, np.linspace(0.02, 0.98, 15))

    def cost(shape: tuple[float, float]) -> float:
        return float(np.sum(solve(np.array(shape))[1] ** 2))

    rises = np.log([0.2, 1, 3, 8, 25, 100])
    starts = [min(((rise, center) for center in centers), key=cost) for rise in rises]
    lowest = sorted(starts, key=cost)[:NUM_STARTS]
    fits = [fit for fit in (search(start, 1e-5, 200) for start in lowest) if fit.success]
    if not fits:
        return LogisticFit()
    best = min(fits, key=lambda fit: float(fit.cost))
    # Once more to the last bit, so that whoever fits the curve again finds the same numbers.
    shape = min((best, search(best.x, 3e-16, 100)), key=lambda fit: float(fit.cost)).x
    (height, floor, *slope), steepness = solve(shape)[0], np.exp(shape[0])
    if num_parameters == 4:
        parameters = (height + floor, floor, shape[1], 1 / steepness)
    else:
        parameters = (height, steepness, shape[1], *slope, floor + height / 2)
    return LogisticFit(tuple(map(float, parameters)), score_scale, mos_scale, ok=True)
