"""A small no-reference net: a backbone's pooled features and one head."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from kdiqa.batch import Prediction, Pyramid
from kdiqa.models.backbone import Backbone
from kdiqa.models.standardise import Standardise
from kdiqa.models.tail import Tail


class ScoreHead(nn.Linear):
    """One number, the score itself; at first ``start``, for labels in [0, 1] 0.5.

    Args:
        in_dim: Width of what it scores.
        start: See above.
        flat: Begins with weights of zero. Random ones stay wherever labels say nothing, which of
            few labels and many channels is almost everywhere: noise in every score.
    """

    def __init__(self, in_dim: int, start: float = 0.0, flat: bool = False) -> None:
        super().__init__(in_dim, 1)
        nn.init.constant_(self.bias, start)
        if flat:
            nn.init.zeros_(self.weight)

    def score(self, output: Tensor) -> Tensor:
        """Returns the scores of outputs :math:`(B, 1)`, float32, :math:`(B,)`."""
        return output.float().squeeze(-1)


class BinHead(nn.Linear):
    r"""A distribution over K bins of quality; the score is its mean.

    .. math:: \hat{q} = \sum_k p_k c_k, \quad p = \mathrm{softmax}(o)

    with centres :math:`c_k` from ``lower`` to ``upper``, in label units.

    References:
        | NIMA: Neural Image Assessment (Talebi and Milanfar, 2018), https://doi.org/10.1109/TIP.2018.2831899
    """

    bounded = True  # no score lies beyond the bins, whatever the labels' scale
    centres: Tensor

    def __init__(
        self, in_dim: int, num_bins: int = 20, lower: float = 0.0, upper: float = 1.0
    ) -> None:
        super().__init__(in_dim, num_bins)
        self.register_buffer("centres", torch.linspace(lower, upper, num_bins))

    def score(self, output: Tensor) -> Tensor:
        """Returns the scores of outputs :math:`(B, K)`, float32, :math:`(B,)`."""
        return output.float().softmax(-1) @ self.centres


class PooledNet(nn.Module):
    r"""Backbone, global pooling, head: one pass over the image and no second one.

    The crops of an image are averaged before the head, so that any number of them will do.
    With a large backbone and a hidden layer of 512 it is SSKD's plain teacher.

    Args:
        backbone: Gives the features; not frozen, it is fine-tuned, batch norm in evaluation mode.
        head: Builds the head for a width: :class:`ScoreHead` or :class:`BinHead`.
        hidden: Width of a hidden layer before the head; None for none.
        dropout: Before the head.
        input_norm: ``running`` standardises each channel by the training images seen so far, for
            levels of very different size; ``none`` takes them as they are.
        input_dropout: Share of the standardised channels left out in training.
        tail: Builds the rest of a backbone that is cut short, see :class:`kdiqa.models.tail.Tail`.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: Callable[[int], nn.Linear] = ScoreHead,
        hidden: int | None = None,
        dropout: float = 0.0,
        input_norm: Literal["none", "running"] = "none",
        input_dropout: float = 0.0,
        tail: Callable[[Backbone], Tail] | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.tail = None if tail is None else tail(backbone)
        dims = backbone.dims if self.tail is None else [self.tail.dim]
        self.standardise = Standardise(dims, input_dropout) if input_norm == "running" else None
        width = sum(dims)
        layers = [] if hidden is None else [nn.Linear(width, hidden), nn.ReLU()]
        self.hidden = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head: ScoreHead | BinHead = head(hidden or width)  # type: ignore[assignment]

    def forward(self, image: Pyramid) -> Prediction:
        r"""Returns the score of images, levels :math:`(B, P, C_l, G, G)`, and the head's input."""
        if self.tail is not None:
            crops = self.tail(image[0].flatten(0, 1)).unflatten(0, image[0].shape[:2])
            image = [crops[..., None, None]]
        if self.standardise is not None:
            image, _ = self.standardise(image, image)
        pooled = torch.cat([level.mean(dim=(-2, -1)) for level in image], dim=-1)
        fused = self.hidden(pooled).mean(dim=1)
        score = self.head.score(self.head(self.dropout(fused)))
        return Prediction(score, None, None, fused)


class PooledPairNet(PooledNet):
    """A full-reference net: it scores how far apart an image and its reference are, level by level.

    Arguments as for :class:`PooledNet`; the standardised channels are the absolute differences.
    """

    def forward(self, image: Pyramid, second: Pyramid) -> Prediction:  # type: ignore[override]
        r"""Returns the score of pairs, levels :math:`(B, P, C_l, G, G)`, and the head's input."""
        apart = [(one - other).abs() for one, other in zip(image, second, strict=True)]
        return super().forward(apart)
