"""Distillers for a student that is built otherwise than its teacher."""

from math import isqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.batch import Distilled, Prediction
from kdiqa.training.distances import DistanceName, distance_of
from kdiqa.training.distiller import Distiller, Feature, blocks_of, log_bins


class AdaptedDistiller(Distiller):
    r"""The student's maps, each through an adapter of its own, point where the teacher's do.

    .. math:: \sum_k d\!\left(A_k(h^S_k),\; h^T_k\right)

    The last blocks of both are paired. Maps of unlike size meet on the smaller one's grid.

    Args:
        distance: Of two stacks of features, one number a sample; the paper's description: cosine.
        dim: Width of the student's tokens, and ``teacher_dim`` of the teacher's.
        num_crops: Crops of an image, whose tokens stand side by side.
        feature: Which of the teacher's features the student's (``distorted``) ones learn from.
        num_blocks: How many blocks are compared, counted from the last.
    """

    def __init__(
        self,
        distance: DistanceName = "cosine",
        dim: int = 128,
        teacher_dim: int = 128,
        num_crops: int = 1,
        feature: Feature = "distorted",
        num_blocks: int = 2,
    ) -> None:
        super().__init__()
        self.distance, self.num_crops, self.feature = distance_of(distance), num_crops, feature
        self.adapters = nn.ModuleList(nn.Linear(dim, teacher_dim) for _ in range(num_blocks))

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns the term ``features``, and each block's distance to log."""
        count = len(self.adapters)
        ours = blocks_of(student, "distorted")[-count:, 0].float()
        theirs = blocks_of(teacher, self.feature)[-count:, 0].float().detach()
        if min(len(ours), len(theirs)) < count:
            raise ValueError(
                f"The distiller compares {count} blocks; the student has {len(ours)} and the teacher"
                f" {len(theirs)} of {self.feature}. Set distiller.num_blocks."
            )
        side = min(isqrt(x.shape[-2] // self.num_crops) for x in (ours, theirs))
        ours, theirs = (on_grid(x, self.num_crops, side) for x in (ours, theirs))
        adapted = torch.stack([a(x) for a, x in zip(self.adapters, ours, strict=True)])
        each = self.distance(adapted, theirs).mean(dim=1)
        watched = {f"loss_block{k}": x.detach() for k, x in enumerate(each)}
        return Distilled({"features": each.sum()}, watched)


def on_grid(x: Tensor, crops: int, side: int) -> Tensor:
    r"""Returns tokens :math:`(K, B, P T, D)` on a smaller grid, cells averaged."""
    size = isqrt(x.shape[-2] // crops)
    if size == side:
        return x
    maps = x.unflatten(2, (crops, size, size)).movedim(-1, 3)
    pooled = F.adaptive_avg_pool2d(maps.flatten(0, 2), side).unflatten(0, maps.shape[:3])
    return pooled.movedim(3, -1).flatten(2, 4)


class BinsDistiller(Distiller):
    r"""Soft labels as distributions: the student's bins diverge little from the teacher's.

    .. math:: \mathrm{KL}\!\left(p_T \,\|\, \mathrm{softmax}(z_S)\right), \quad
        p_{T,k} \propto \exp\!\left(-\frac{(c_k - \hat y_T)^2}{2 \sigma^2}\right)

    The bins of a teacher that gives some itself are taken as they are.

    Args:
        num_bins: As the student's net has them, see :class:`kdiqa.models.pooled.BinHead`, their
            centres from ``lower`` to ``upper``, in label units.
        deviation: σ of the bins around a teacher's score, in label units.
    """

    centres: Tensor

    def __init__(
        self, num_bins: int = 20, lower: float = -2.85, upper: float = 2.85, deviation: float = 0.3
    ) -> None:
        super().__init__()
        self.deviation = deviation
        centres = torch.linspace(lower, upper, num_bins)
        self.register_buffer("centres", centres, persistent=False)

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns the term ``soft_bins``."""
        if student.logits is None:
            raise ValueError(
                "The distiller compares bins of scores, and the student's net gives none. Set"
                " net.last to bins (distiller=ganiqa_bins), or take distiller=ganiqa."
            )
        if teacher.logits is None:
            score = teacher.score.float().detach()
            soft = log_bins(score, torch.full_like(score, self.deviation), self.centres)
        else:
            soft = teacher.logits.float().detach().log_softmax(dim=-1)
        ours = student.logits.float().log_softmax(dim=-1)
        divergence = F.kl_div(ours, soft, reduction="batchmean", log_target=True)
        return Distilled({"soft_bins": divergence}, {})
