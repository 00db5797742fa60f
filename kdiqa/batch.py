"""The structures that travel: what a batch holds, what a net predicts, what a distiller asks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

Batch = dict[str, Any]
r"""One batch, by fixed keys.

``image``: the distorted images' crops, uint8, :math:`(B, P, 3, H, W)`.
``second``, ``reference``, …: crops of a second image, one key for each pairing of the data.
``mos``: in [0, 1], higher is better, NaN where training may not see it, :math:`(B,)`.
``index``: the images' positions in the data set's records, :math:`(B,)`.
``pyramids``: frozen features by image key, each a :data:`Pyramid`; put there by the module.
``cached_prediction``: the teacher's, of cached features, as the cache holds it, see :func:`restored`.
``teacher``: the teacher's :class:`Prediction`; put there by the distillation callback.
"""

Pyramid = list[Tensor]
r"""Pooled features, fine to coarse: L tensors :math:`(B, P, C_l, G, G)`."""


class Prediction(NamedTuple):
    r"""A net's prediction of a batch, with the features it is computed from.

    T counts the tokens of one image: :math:`G^2`, or :math:`P G^2` where crops are scored one by one.
    """

    score: Tensor
    r"""Predicted quality, float32, in label units, higher is better, :math:`(B,)`."""
    difference: Tensor | None
    r"""Block outputs of the discrepancy extractor, :math:`(K, L, B, T, D)`."""
    distorted: Tensor | None
    r"""Block outputs of the distorted-image mixer, :math:`(K', L, B, T, D)`."""
    fused: Tensor
    r"""What the head scores, :math:`(B, F)`."""
    spread: Tensor | None = None
    r"""How far the scores of an image's crops lie apart, their deviation, :math:`(B,)`."""
    logits: Tensor | None = None
    r"""Of bins of scores, whose mean the score is, :math:`(B, K)`."""


class Distilled(NamedTuple):
    """What a distiller returns: named terms to add to the loss, and numbers worth watching."""

    terms: dict[str, Tensor]
    """Scalars, float32; their sum is weighted and minimised."""
    watched: dict[str, Tensor]
    """Detached scalars for the log: level losses and level weights."""


BATCH_AXIS = {"score": 0, "difference": 2, "distorted": 2, "fused": 0, "spread": 0, "logits": 0}
"""Where the batch stands among the axes of a prediction's parts."""


def restored(cached: Mapping[str, Tensor]) -> Prediction:
    """Returns the prediction of a batch from its images' cached parts, float32.

    Args:
        cached: Each part there is, the batch's axis first.
    """
    parts = {name: part.float().movedim(0, BATCH_AXIS[name]) for name, part in cached.items()}
    return Prediction(**{name: parts.get(name) for name in Prediction._fields})  # type: ignore[arg-type]
