r"""Distances between a student's features and its teacher's, one number a sample.

Each maps two tensors :math:`(..., B, T, D)` to :math:`(..., B)`; the teacher's side gets no gradient.
"""

from collections.abc import Callable
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from kdiqa.runtime.words import check_word

Distance = Callable[[Tensor, Tensor], Tensor]
DistanceName = Literal["squared", "absolute", "cosine", "relational"]


def squared_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Returns the mean squared difference of each sample.

    Example:
        >>> import torch
        >>> squared_distance(torch.ones(2, 3, 4), torch.zeros(2, 3, 4))
        tensor([1., 1.])
    """
    return (student - teacher.detach()).square().mean(dim=(-2, -1))


def absolute_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Returns the mean absolute difference of each sample."""
    return (student - teacher.detach()).abs().mean(dim=(-2, -1))


def cosine_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Returns one minus the cosine of each token pair, averaged over a sample; in [0, 2]."""
    return (1 - F.cosine_similarity(student, teacher.detach(), dim=-1)).mean(dim=-1)


def relational_distance(student: Tensor, teacher: Tensor, eps: float = 1e-8) -> Tensor:
    r"""Returns how differently each sample lies among the batch's others.

    Pairwise distances of a batch are divided by their mean and compared by smooth L1. Under DDP,
    each process relates its own share.

    References:
        | Relational Knowledge Distillation (Park et al., 2019), equation 5
        | https://arxiv.org/abs/1904.05068
    """

    def relations(x: Tensor) -> Tensor:
        x = x.flatten(-2)
        square = (x.unsqueeze(-2) - x.unsqueeze(-3)).square().sum(dim=-1)
        pairs = (square + eps).sqrt()
        return pairs / (pairs.mean(dim=(-2, -1), keepdim=True) + eps)

    return F.smooth_l1_loss(
        relations(student), relations(teacher.detach()), reduction="none"
    ).mean(dim=-1)


def distance_of(name: DistanceName) -> Distance:
    """Returns the distance that a configuration's word names; the official code's is ``squared``."""
    check_word("distance", name, DistanceName)
    return {
        "squared": squared_distance,
        "absolute": absolute_distance,
        "cosine": cosine_distance,
        "relational": relational_distance,
    }[name]
