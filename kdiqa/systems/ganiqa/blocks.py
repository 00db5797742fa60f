"""What the nets of GAN-IQA-KD share: from pyramids to a map, from a map to a score."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.batch import Prediction, Pyramid
from kdiqa.models.pooled import BinHead, ScoreHead
from kdiqa.models.standardise import Standardise
from kdiqa.systems.ganiqa.attention import ConvNorm, WindowAttention

Attention = Callable[[int], nn.Module]
Last = Callable[[int], ScoreHead | BinHead]


class Reader(nn.Module):
    r"""Pyramids as one map: levels side by side, 1×1 to D channels, attention within windows.

    Args:
        dims: Channels :math:`C_l` of the levels.
        dim: Channels D of the map.
        attention: Builds the residual branch of a map of D channels; None leaves it out.
        input_dropout: In training, leaves out channels of the levels, the same of both images.
        drop_path: In training, leaves out the attention of a crop.
    """

    def __init__(
        self,
        dims: Sequence[int],
        dim: int,
        attention: Attention | None = WindowAttention,
        input_dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.standardise = Standardise(dims, input_dropout)
        self.project = nn.Conv2d(sum(dims), dim, 1)
        self.attention = None if attention is None else attention(dim)

    def forward(self, *pyramids: Pyramid) -> tuple[list[Tensor], list[Tensor]]:
        r"""Returns a map of each, :math:`(B P, D, G, G)`, and its coarsest level's means.

        All are read as one batch: the norms in the attention see them alike.
        """
        standardised = self.standardise(*pyramids)
        levels = [torch.cat(level, dim=1) for level in zip(*standardised, strict=True)]
        crops = pyramids[0][0].shape[1]
        x = self.project(torch.cat([level.flatten(0, 1) for level in levels], dim=1))
        if self.attention is not None:
            kept = F.dropout(x.new_ones(x.shape[0], 1, 1, 1), self.drop_path, self.training)
            x = x + kept * self.attention(x)
        maps = x.unflatten(0, (-1, len(pyramids), crops)).unbind(1)
        means = levels[-1].mean(dim=(3, 4)).unflatten(1, (-1, crops)).unbind(1)
        return [x.flatten(0, 1) for x in maps], [mean.flatten(0, 1) for mean in means]


class SeparableConvolution(nn.Sequential):
    """A depthwise 3×3 and a pointwise convolution, batch norm, GELU."""

    def __init__(self, dim: int) -> None:
        super().__init__(
            nn.Conv2d(dim, dim, 3, padding=1, groups=dim, bias=False),
            ConvNorm(dim, dim),
            nn.GELU(),
        )


class Head(nn.Module):
    """A score from a read map and the image's semantics.

    Args:
        dim: Width D of the read map.
        semantic_dim: Channels of the coarsest level; 0 leaves the semantic branch out.
        dropout: Before both layers.
        last: Builds the last layer for a width: a score, or bins whose mean is the score.
    """

    def __init__(
        self, dim: int, semantic_dim: int, dropout: float = 0.0, last: Last = ScoreHead
    ) -> None:
        super().__init__()
        self.semantic = nn.Linear(semantic_dim, dim) if semantic_dim else None
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(2 * dim if semantic_dim else dim, dim)
        self.score = last(dim)

    def forward(self, x: Tensor, semantics: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        r"""Returns the score :math:`(N,)`, the fused vector :math:`(N, F)`, and the bins' logits.

        Args:
            x: The read map, :math:`(N, D)`.
            semantics: Means of the coarsest level, or the distance of two images' means.
        """
        fused = x if self.semantic is None else torch.cat([x, self.semantic(semantics)], dim=1)
        output = self.score(self.dropout(self.hidden(self.dropout(fused)).relu())).float()
        return self.score.score(output), fused, output if isinstance(self.score, BinHead) else None


def tokens_of(x: Tensor) -> Tensor:
    r"""Returns a map's positions as tokens, :math:`(N, T, D)`."""
    return x.flatten(2).mT


def stacked(blocks: Sequence[Tensor], crops: int) -> Tensor:
    r"""Returns blocks :math:`(B P, T, D)` as a prediction has them, :math:`(K, 1, B, P T, D)`."""
    return torch.stack(list(blocks)).unflatten(1, (-1, crops)).flatten(2, 3)[:, None]


def visibility(threshold: Tensor) -> Tensor:
    r"""Returns :math:`e^{-\mathrm{JND}}` over its mean: how much a difference counts at a position.

    Args:
        threshold: The just-noticeable difference in grey levels, :math:`(N, 1, G, G)`.
    """
    share = (-threshold.flatten(1)).softmax(dim=1).view_as(threshold)
    return threshold[0, 0].numel() * share


def over_crops(
    output: tuple[Tensor, Tensor, Tensor | None],
    difference: Tensor | None,
    distorted: Tensor,
    crops: int,
) -> Prediction:
    """Returns the prediction of images from a head's output of their crops: means, and a spread."""
    score, fused = (x.unflatten(0, (-1, crops)) for x in output[:2])
    spread = score.std(dim=1, correction=0) if crops > 1 else None
    logits = None if output[2] is None else output[2].unflatten(0, (-1, crops)).mean(dim=1)
    return Prediction(score.mean(dim=1), difference, distorted, fused.mean(dim=1), spread, logits)
