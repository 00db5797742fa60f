"""What a teacher says of kept features, kept as well: no step asks it again."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from kdiqa.batch import BATCH_AXIS, Prediction
from kdiqa.data.cache.rows import Rows, Stream, own_share_first, progress_of

if TYPE_CHECKING:
    from kdiqa.data.cache.features import CachedDataset


class KeptPredictions:
    """A teacher's predictions of each image and view, float16 like the features they are of.

    Args:
        rows: Where they are, one flat vector a view.
        shapes: Of each part of one image's prediction.
    """

    def __init__(self, rows: Rows, shapes: dict[str, tuple[int, ...]]) -> None:
        self.rows, self.shapes = rows, shapes

    def get(self, image: int, view: int) -> dict[str, Tensor]:
        """Returns the parts of one prediction."""
        flat = torch.from_numpy(self.rows.get(image, view).copy())
        sizes = [math.prod(shape) for shape in self.shapes.values()]
        parts = zip(self.shapes.items(), flat.split(sizes), strict=True)
        return {name: part.view(shape) for (name, shape), part in parts}


def keep_predictions(
    made: CachedDataset, teacher: Any, pair: Sequence[str], text: str, batch_size: int = 16
) -> None:
    """Lets a data set of kept features give the teacher's predictions too, computed if missing.

    Args:
        made: Holds all of ``pair``.
        teacher: A net in evaluation mode.
        pair: The two images it compares.
        text: Tells this teacher and its weights from any other.
        batch_size: Images it sees at once.
    """
    with torch.no_grad():
        parts = present(teacher(*pyramids_of([made[0]], pair)))
    shapes = {
        name: tuple(part.movedim(BATCH_AXIS[name], 0).shape[1:]) for name, part in parts.items()
    }
    views, width = made.rows.shape[0], sum(map(math.prod, shapes.values()))
    key = hashlib.sha256(f"{made.rows.folder.name} {text} {tuple(pair)}".encode()).hexdigest()[:16]
    rows = Rows.like(made.rows, made.rows.folder.with_name(key), (views, width))
    missing = rows.missing()
    if missing:
        ask(made, rows, missing, teacher, pair, batch_size)
    made.said = KeptPredictions(rows, shapes)


def ask(
    made: CachedDataset,
    rows: Rows,
    missing: Sequence[int],
    teacher: Any,
    pair: Sequence[str],
    batch_size: int,
) -> None:
    """Computes what is missing, with a progress bar."""
    rows.create()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    teacher.to(device)
    keys: list[int] = []

    def ahead() -> Any:
        for image in rows.pending(own_share_first(missing)):
            for view in range(rows.shape[0]):
                keys.append(view * len(made) + image)
                yield keys[-1]

    loader = DataLoader(made, batch_size, sampler=Stream(ahead()), collate_fn=list)
    done = 0
    with progress_of("The teacher's word", len(missing), rows.bytes_of_one) as (bar, task):
        for samples in loader:
            with torch.no_grad():
                said = flattened(teacher(*pyramids_of(samples, pair, device)))
            for vector in said.cpu().numpy():
                rows.put(keys[done] % len(made), keys[done] // len(made), vector)
                done += 1
            bar.update(task, completed=done / rows.shape[0])
        bar.update(task, completed=len(missing))
    rows.close()
    teacher.to("cpu")


def pyramids_of(
    samples: Sequence[dict[str, Any]], pair: Sequence[str], device: torch.device | None = None
) -> list[list[Tensor]]:
    """Returns the pyramids of samples as a batch, one for each image of the pair."""
    return [
        [
            torch.stack(levels).to(device)
            for levels in zip(*(sample["pyramids"][key] for sample in samples), strict=True)
        ]
        for key in pair
    ]


def present(prediction: Prediction) -> dict[str, Tensor]:
    """Returns the parts a prediction has."""
    return {name: part for name, part in prediction._asdict().items() if part is not None}


def flattened(prediction: Prediction) -> Tensor:
    r"""Returns a batch's predictions as vectors :math:`(B, N)`, float16."""
    parts = present(prediction).items()
    apart = [part.movedim(BATCH_AXIS[name], 0) for name, part in parts]
    return torch.cat([part.reshape(len(part), -1).half() for part in apart], dim=1)
