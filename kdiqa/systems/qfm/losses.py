"""QFM-IQM's losses: the terms of disturbed scores, and the first version's contrast by quality.

The score's own term is :class:`kdiqa.training.losses.ScoreLoss`, label expansion's is
:class:`kdiqa.systems.qfm.distiller.ViewDistiller`; :class:`kdiqa.systems.qfm.module.NoiseMatchingModule`
adds them up.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def noise_terms(
    loss: Callable[[Tensor, Tensor], Tensor], noisy: Tensor, clean: Tensor, mos: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Returns :math:`\ell(\hat{y}', y)` and :math:`|\hat{y} - \hat{y}'|`, scalars.

    Args:
        loss: ℓ.
        noisy: The scores :math:`\hat{y}'` of disturbed tokens, :math:`(N,)`.
        clean: The scores :math:`\hat{y}` of undisturbed ones, :math:`(N,)`.
        mos: Labels on the scale that is learnt, :math:`(N,)`.
    """
    change = (noisy - clean).abs().mean()  # first: gradients add up in the order of the graph
    return loss(noisy, mos), change


class QualityContrast(nn.Module):
    r"""A contrast of features by quality, against the negatives of the nearest features.

    .. math:: \mathcal{L}_i = -\log \frac{\sum_{j \in P_i} e^{s_{ij} / \tau}}
        {\sum_{j \in P_i \cup N_i} e^{s_{ij} / \tau}}

    with the cosine s, :math:`P_i` the other images whose score is within δ, and :math:`N_i` the m
    of the rest with the highest s. Rows without either count nothing.

    Args:
        delta: δ, in [0, 1] units of MOS.
        negatives: m.
        temperature: τ.
        weight: Of the loss.

    References:
        | The first version of QFM-IQM matched "similar semantics, different quality" in contrast;
        | its loss is not known to us: our interpretation
    """

    def __init__(
        self,
        delta: float = 0.05,
        negatives: int = 8,
        temperature: float = 0.1,
        weight: float = 0.1,
    ) -> None:
        super().__init__()
        self.delta, self.negatives = delta, negatives
        self.temperature, self.weight = temperature, weight

    def forward(self, feature: Tensor, keys: Tensor, gap: Tensor) -> Tensor:
        r"""Returns the loss, a scalar in float32.

        Args:
            feature: :math:`(N, D)`, with a gradient.
            keys: Features in the memory, :math:`(M, D)`.
            gap: Distances of the scores, in [0, 1] units, infinite between crops of one
                image and NaN where one is not known, :math:`(N, M)`.
        """
        logits = cosines(feature, keys) / self.temperature
        positive = gap <= self.delta
        rest = logits.masked_fill(positive | ~gap.isfinite(), -torch.inf)
        hardest = rest.topk(min(self.negatives, rest.shape[1]), dim=1).values
        either = torch.cat([logits.masked_fill(~positive, -torch.inf), hardest], dim=1)
        counts = positive.any(dim=1) & hardest.isfinite().any(dim=1)
        # A row of nothing but -inf would turn the gradient of all into NaN.
        either = either.masked_fill(~counts[:, None], 0.0)
        drawn = either[:, : positive.shape[1]].logsumexp(dim=1)
        loss = (either.logsumexp(dim=1) - drawn) * counts
        return self.weight * loss.sum() / counts.sum().clamp(min=1)


def cosines(a: Tensor, b: Tensor) -> Tensor:
    r"""Returns the cosines of rows :math:`(N, S)` and :math:`(M, S)`, :math:`(N, M)`, in float32."""
    with torch.autocast(a.device.type, enabled=False):
        return F.normalize(a.float(), dim=1) @ F.normalize(b.float(), dim=1).T
