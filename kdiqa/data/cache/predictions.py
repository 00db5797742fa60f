"""A teacher's predictions of cached features, cached as well: no step runs it again."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from kdiqa.batch import BATCH_AXIS, Prediction
from kdiqa.data.cache.rows import Rows, fill

BATCH_SIZE = 16  # images the teacher sees at once


@dataclass(frozen=True)
class CachedPredictions:
    """A teacher's predictions of each image and view, float16 like the features they are of."""

    rows: Rows  # one flat vector a view
    shapes: dict[str, tuple[int, ...]]  # of each part of one image's prediction

    def get(self, image: int, view: int) -> dict[str, Tensor]:
        """Returns the parts of one prediction."""
        flat = torch.from_numpy(self.rows.get(image, view).copy())
        sizes = [math.prod(shape) for shape in self.shapes.values()]
        parts = zip(self.shapes.items(), flat.split(sizes), strict=True)
        return {name: part.view(shape) for (name, shape), part in parts}


def cached_predictions(
    features: Rows, dataset: Dataset[dict[str, Any]], teacher: Any, pair: Sequence[str], text: str
) -> CachedPredictions:
    """Returns a teacher's predictions of cached features, computed where they are missing.

    Args:
        features: The rows of the data set.
        dataset: Gives samples with the ``pyramids`` of all of ``pair``.
        teacher: A net in evaluation mode.
        pair: The two images it compares.
        text: Tells this teacher and its weights from any other.
    """
    with torch.no_grad():
        parts = batch_first(teacher(*pyramids_of([dataset[0]], pair)))
    shapes = {name: tuple(part.shape[1:]) for name, part in parts.items()}
    width = sum(map(math.prod, shapes.values()))
    key = hashlib.sha256(f"{features.folder.name} {text} {tuple(pair)}".encode()).hexdigest()[:16]
    rows = Rows.like(features, features.folder.with_name(key), (features.shape[0], width))

    def predict(samples: Any, device: torch.device) -> Tensor:
        return flattened(teacher(*pyramids_of(samples, pair, device)))

    title = "Teacher's predictions"
    fill(rows, dataset, teacher, predict, title, batch_size=BATCH_SIZE, collate_fn=list)
    return CachedPredictions(rows, shapes)


def pyramids_of(
    samples: Sequence[dict[str, Any]], pair: Sequence[str], device: torch.device | None = None
) -> list[list[Tensor]]:
    """Returns the pyramids of samples as a batch, one for each image of the pair."""
    levels = [zip(*(sample["pyramids"][key] for sample in samples), strict=True) for key in pair]
    return [[torch.stack(level).to(device) for level in pyramid] for pyramid in levels]


def flattened(prediction: Prediction) -> Tensor:
    r"""Returns a batch's predictions as vectors :math:`(B, N)`, float16."""
    parts = batch_first(prediction).values()
    return torch.cat([part.reshape(len(part), -1).half() for part in parts], dim=1)


def batch_first(prediction: Prediction) -> dict[str, Tensor]:
    r"""Returns the parts a prediction has, each :math:`(B, …)`."""
    parts = {name: part for name, part in prediction._asdict().items() if part is not None}
    return {name: part.movedim(BATCH_AXIS[name], 0) for name, part in parts.items()}
