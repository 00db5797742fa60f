"""The face of a trained student: scores, maps, a metric and a loss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kdiqa.config.buildable import Allow
from kdiqa.scorer.images import Image, to_pixels
from kdiqa.scorer.loss import QualityLoss
from kdiqa.scorer.open import Source, opened
from kdiqa.scorer.predictor import Predictor
from kdiqa.scorer.quality_map import QualityMap, quality_map
from kdiqa.scorer.views import MAX_PIXELS, SeedBy

if TYPE_CHECKING:  # loaded where they are used: who only scores waits for neither
    from matplotlib.figure import Figure

    from kdiqa.scorer.metric import QualityMetric, Reduction


class Scorer(Predictor):
    """A predictor that also draws maps of an image, and serves as a metric and as a loss."""

    def map(self, image: Image, tile: int | None = None, overlap: float = 0.5) -> QualityMap:
        """Returns where in an image its quality is high or low, and each level's share in it.

        See :func:`kdiqa.scorer.quality_map.quality_map`.
        """
        return quality_map(self, image, tile, overlap)

    def explain(self, image: Image, tile: int | None = None, overlap: float = 0.5) -> Figure:
        """Returns a figure of an image: its score, its map, and what each level adds to both.

        See :func:`kdiqa.scorer.quality_map.quality_map` for the arguments.
        """
        from kdiqa.figures.quality import explanation

        pixels, _ = to_pixels(image)
        return explanation(pixels, self.map(image, tile, overlap))

    def as_metric(self, reduction: Reduction = "mean") -> QualityMetric:
        """Returns this scorer as a ``torchmetrics.Metric``.

        See :class:`kdiqa.scorer.metric.QualityMetric`.
        """
        from kdiqa.scorer.metric import QualityMetric

        return QualityMetric(self, reduction)

    def as_loss(self) -> QualityLoss:
        """Returns 1 − score, differentiable: see :class:`kdiqa.scorer.loss.QualityLoss`."""
        return QualityLoss(self)


def load(
    path: Source = None,
    device: str = "cpu",
    seed_by: SeedBy = "content",
    max_pixels: int = MAX_PIXELS,
    pool: str | Path | None = None,
    allow: Allow = (),
) -> Scorer:
    """Returns the scorer of a student; nothing is downloaded.

    Args:
        path: A checkpoint or its path; a run folder, of which the best one is taken; a packed
            student (.safetensors); None for the one that is bundled with this package.
        device: As torch names it.
        seed_by: What crops and re-distortions are drawn by: ``content`` or ``name``, see
            :class:`kdiqa.scorer.views.Views`.
        max_pixels: A larger image is shrunk to them before it is re-distorted.
        pool: Where the references of the run's bank lie now; by default, where they lay.
        allow: Classes of your own that the file may build besides ours, or packages of them:
            ``[MyNet]`` or ``["mypackage"]``. A file names none by itself.

    Raises:
        FileNotFoundError: If there is no checkpoint, or a reference is missing.
        ValueError: If it is none of ours, or a teacher's.
    """
    return opened(path, Scorer, device, seed_by, max_pixels, pool, allow)
