"""AKD-IQA's training step in the published arrangement, written out plainly from its description.

Teacher and student each run the frozen backbone on both images: four passes a step. Each level is
normalised, projected at its full size, pooled then; each mixer runs level by level; the
distillation loss is a loop over levels and blocks. Weights are those of an :class:`AKDNet`, so that
both arrangements can be held against each other, value by value.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.models.backbone import Backbone
from kdiqa.systems.akd.mixer import Mixer
from kdiqa.systems.akd.net import AKDNet

Blocks = list[list[Tensor]]


def embedded(net: AKDNet, backbone: Backbone, image: Tensor) -> list[Tensor]:
    r"""Returns the levels of one image tensor, each :math:`(B, P D, 7, 7)`.

    Args:
        net: Has the projections.
        backbone: Gives the raw levels of normalised crops, :math:`(N, h, w, C)`.
        image: Crops, uint8, :math:`(B, P, 3, H, W)`.
    """
    batch, crops = image.shape[:2]
    x = (image.flatten(0, 1) - backbone.mean) / backbone.std
    made = []
    for level, projection in zip(
        backbone.pyramid.read(backbone.trunk, x), net.embedding.projections, strict=True
    ):
        level = F.layer_norm(level, level.shape[-1:]).permute(0, 3, 1, 2)
        wide = F.conv2d(level, projection.weight[..., None, None], projection.bias)
        made.append(F.adaptive_avg_pool2d(wide, 7).reshape(batch, crops * wide.shape[1], 7, 7))
    return made


def mixed(mixer: Mixer, levels: list[Tensor]) -> tuple[Tensor, Blocks]:
    """Returns a mixer's map of all levels, and each level's blocks, one level after the other."""
    said = [mixer(level.flatten(2).transpose(1, 2)) for level in levels]
    return torch.cat([last for last, _ in said], dim=2), [blocks for _, blocks in said]


def predicted(
    net: AKDNet, backbone: Backbone, image: Tensor, second: Tensor
) -> tuple[Tensor, Blocks]:
    """Returns the scores of a batch, and the discrepancy extractor's blocks by level."""
    ours, theirs = embedded(net, backbone, image), embedded(net, backbone, second)
    assert net.discrepancy is not None
    assert net.integrator is not None
    apart = [net.sign * (a - b) for a, b in zip(ours, theirs, strict=True)]
    difference, blocks = mixed(net.discrepancy, apart)
    distorted, _ = mixed(net.integrator, ours)
    return net.head(net.fusion(difference, distorted)).squeeze(-1), blocks


def distilled(student: Blocks, teacher: Blocks, weights: Tensor) -> Tensor:
    """Returns the weighted sum over levels of what the student's blocks are off the last ones."""
    total = weights.new_zeros(())
    for level, weight in enumerate(weights):
        last = teacher[level][-len(student[level]) :]
        for ours, theirs in zip(student[level], last, strict=True):
            total = total + weight * F.mse_loss(ours, theirs)
    return total


def training_step(
    student: AKDNet,
    teacher: AKDNet,
    backbone: Backbone,
    logits: nn.Parameter,
    optimizer: torch.optim.Optimizer,
    batch: dict[str, Tensor],
    weight: float = 0.1,
) -> float:
    """Returns the loss of one whole step: forward, distillation, backward, Adam."""
    pair = batch["image"], batch["second"]
    with torch.no_grad():
        _, theirs = predicted(teacher, backbone, *pair)
    score, ours = predicted(student, backbone, *pair)
    loss = F.smooth_l1_loss(score, batch["mos"])
    loss = loss + weight * distilled(ours, theirs, logits.softmax(0))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
