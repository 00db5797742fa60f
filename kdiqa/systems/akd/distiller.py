"""Inter-level adaptive distillation: the student's blocks imitate the teacher's, level by level."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from kdiqa.batch import Distilled, Prediction
from kdiqa.systems.akd.weighting import Weighting
from kdiqa.training.distances import DistanceName, distance_of
from kdiqa.training.distiller import Distiller, Feature, blocks_of

LayerMap = Literal["last", "stride2"]


class LevelDistiller(Distiller):
    r"""Compares block outputs of student and teacher at each level, and weighs the levels.

    .. math:: \sum_{l} \omega_l \sum_{k} d\!\left(h^S_{l,k},\; h^T_{l,m(k)}\right)

    Args:
        weighting: How levels are weighed (adaptive distillation).
        distance: Of two stacks of features, one number a sample; ``squared`` (official).
        feature: ``difference`` for the discrepancy extractor's blocks (official), or
            ``distorted`` for the distorted-image mixer's.
        layer_map: ``last`` pairs the student's blocks with the teacher's last ones (official);
            ``stride2`` with every second one.
        levels: Which levels, fine to coarse.
        num_blocks: How many of the student's blocks, counted from its last; all by default.
        reduce: ``sum`` over blocks (official), or their ``mean``.
        name: Of the term in the log.
    """

    def __init__(
        self,
        weighting: Weighting,
        distance: DistanceName = "squared",
        feature: Feature = "difference",
        layer_map: LayerMap = "last",
        levels: Sequence[int] = (0, 1, 2, 3),
        num_blocks: int | None = None,
        reduce: Literal["sum", "mean"] = "sum",
        name: str = "level",
    ) -> None:
        super().__init__()
        self.weighting, self.distance = weighting, distance_of(distance)
        self.feature, self.layer_map, self.levels = feature, layer_map, list(levels)
        self.num_blocks, self.reduce, self.name = num_blocks, reduce, name

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns the weighted term, and each level's loss and weight to log."""
        s, t = (blocks_of(side, self.feature) for side in (student, teacher))
        ours, theirs = paired_blocks(len(s), len(t), self.layer_map, self.num_blocks)
        if max(self.levels) >= (fewest := min(s.shape[1], t.shape[1])):
            raise ValueError(
                f"Levels {self.levels} are compared (module.distiller.levels), and the nets have"
                f" {fewest}. Set module.net.backbone.pyramid.levels as the teacher had it."
            )
        s, t = s[ours][:, self.levels].float(), t[theirs][:, self.levels].float()
        if s.shape != t.shape:
            raise ValueError(
                f"The student's {self.feature} features are {tuple(s.shape)} (blocks, levels, batch,"
                f" tokens, width) and the teacher's {tuple(t.shape)}. Give both nets the same"
                " net.dim, net.crop_fusion, num_crops and backbone.pyramid.grid."
            )
        losses = self.distance(s, t).sum(dim=0)
        if self.reduce == "mean":
            losses = losses / max(len(ours), 1)
        total, weights = self.weighting(losses, student, teacher, mos)
        watched = {f"loss_level{i}": x for i, x in zip(self.levels, losses.mean(1), strict=True)}
        watched |= {f"weight_level{i}": x for i, x in zip(self.levels, weights, strict=True)}
        return Distilled({self.name: total}, {key: x.detach() for key, x in watched.items()})

    def end_epoch(self) -> None:
        """Lets a weighting that remembers epochs move on."""
        self.weighting.end_epoch()


def paired_blocks(
    student: int, teacher: int, layer_map: LayerMap, num_blocks: int | None = None
) -> tuple[list[int], list[int]]:
    """Returns which of the student's blocks meets which of the teacher's, counted from 0.

    Example:
        >>> paired_blocks(18, 36, "last")[1][:3], paired_blocks(18, 36, "stride2")[1][:3]
        ([18, 19, 20], [1, 3, 5])
    """
    count = student if num_blocks is None else num_blocks
    step = {"last": 1, "stride2": 2}[layer_map]
    if not 0 <= count <= student or teacher < step * student:
        raise ValueError(
            f"A student of {student} blocks, a teacher of {teacher}, distiller.num_blocks={num_blocks}"
            f" and distiller.layer_map={layer_map} do not fit: the teacher needs at least"
            f" {step * student} blocks, and num_blocks is at most {student}."
        )
    ours = list(range(student - count, student))
    if layer_map == "last":
        return ours, [k + teacher - student for k in ours]
    return ours, [2 * k + 1 for k in ours]


class CrossLevelDistiller(Distiller):
    r"""Every student level learns from all teacher levels, by attention between batch similarities.

    .. math::
        \sum_j \frac{1}{B} \sum_n \sum_i \alpha_{n,j,i}
        \lVert A(h^S_{j,n}) - h^T_{i,n} \rVert^2 / (T D)

    The similarity matrices tie the weights to the batch size, so that incomplete batches are
    dropped. Compared are the last blocks of both (our interpretation: the source distils stages).

    Args:
        batch_size: Images in a batch of one process.
        num_levels: Levels L.
        width: Of queries and keys.
        dim: Width D of the tokens.

    References:
        | Cross-Layer Distillation with Semantic Calibration (Chen et al., 2021)
        | https://arxiv.org/abs/2012.03236
    """

    def __init__(
        self, batch_size: int, num_levels: int = 4, width: int = 128, dim: int = 64
    ) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.query = nn.ModuleList(nn.Linear(batch_size, width) for _ in range(num_levels))
        self.key = nn.ModuleList(nn.Linear(batch_size, width) for _ in range(num_levels))
        self.adapter = nn.Linear(dim, dim)
        nn.init.eye_(self.adapter.weight)
        nn.init.zeros_(self.adapter.bias)

    def forward(self, student: Prediction, teacher: Prediction, mos: Tensor) -> Distilled:
        """Returns the term, and the mean attention each teacher level gets."""
        s = blocks_of(student, "difference")[-1].float()
        t = blocks_of(teacher, "difference")[-1].float().detach()
        if s.shape[1] != self.batch_size:
            raise ValueError(
                f"distiller.batch_size is {self.batch_size} and a process got {s.shape[1]} images:"
                " set it to data.batch_size, and use no accumulation of unequal batches."
            )
        q, k = normalised(self.query, s), normalised(self.key, t)
        attention = torch.einsum("jnw,inw->nji", q, k).softmax(dim=-1)
        gaps = self.adapter(s).unsqueeze(1) - t.unsqueeze(0)
        losses = gaps.square().mean(dim=(-2, -1))
        total = torch.einsum("nji,jin->", attention, losses) / self.batch_size
        shares = attention.mean(dim=(0, 1)).detach()
        watched = {f"weight_level{i}": share for i, share in enumerate(shares)}
        return Distilled({"cross_level": total}, watched)


def normalised(layers: nn.ModuleList, levels: Tensor) -> Tensor:
    r"""Returns unit queries or keys :math:`(L, B, W)` from the batch similarities of levels."""
    flat = levels.flatten(2)
    similarity = nn.functional.normalize(flat @ flat.transpose(1, 2), dim=-1)
    projected = [layer(x) for layer, x in zip(layers, similarity, strict=True)]
    return nn.functional.normalize(torch.stack(projected).float(), dim=-1)
