"""One distortion drawn for each image, as synthetic data sets are made of pristine images."""

from collections.abc import Mapping, Sequence

from kdiqa.distortions.kadid import KADID
from kdiqa.distortions.redistort import Pipeline, at_level


def kadis() -> Pipeline:
    """Returns one of KADID-10k's 25 types at one of its five levels, drawn for each image.

    As KADIS-700k's images are drawn, without its stretch to the full range (our interpretation).
    """
    steps = [at_level(distortion.id, level) for distortion in KADID for level in range(1, 6)]
    return Pipeline(steps, "kadis", choose=1)


def weighted(weights: Mapping[str, float], levels: Sequence[int] = (1, 2, 3, 4, 5)) -> Pipeline:
    """Returns one of some of KADID-10k's types at one of some of its levels, drawn for each image.

    Args:
        weights: How often each type is drawn, in proportion, by its name; others never are.
        levels: Of them all, each as often.

    Raises:
        ValueError: If there are no types, or weights that are no shares.

    Example:
        >>> weighted({"jpeg": 2, "white_noise": 1}, levels=[1, 5]).weights
        [2, 2, 1, 1]
    """
    if not weights or min(weights.values()) < 0 or sum(weights.values()) == 0:
        raise ValueError(
            f"The weights of the distortions are {dict(weights)}. Give some of KADID-10k's types a"
            " weight above 0: data.unlabelled.distortion.weights={jpeg: 1}."
        )
    drawn = [(kind, level) for kind, weight in weights.items() if weight for level in levels]
    steps = [at_level(kind, level) for kind, level in drawn]
    return Pipeline(steps, "synthetic", choose=1, weights=[weights[kind] for kind, _ in drawn])
