"""No-reference image quality assessment, learnt by distillation from a full-reference teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from kdiqa.scorer.scorer import Scorer

__version__ = "0.1.0"


def load(path: str | Path | None = None, **options: Any) -> Scorer:
    """Returns the scorer of a student, or of the model in the box.

    Args:
        path: A checkpoint, a run folder, or a packed student; None for the bundled one.
        options: As for :func:`kdiqa.scorer.load`.
    """
    from kdiqa.scorer import scorer  # here: help and version wait for no library

    return scorer.load(path, **options)
