"""Running standardisation of a pyramid's channels: one ruler for both images of a pair."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kdiqa.batch import Pyramid

FLOOR = 1e-3  # of a standard deviation: a channel that never fires is not to be blown up
CEILING = 8.0  # standard deviations; a re-distorted image lies far out in some channels


class Standardise(nn.Module):
    r"""Subtracts each channel's mean and divides by its standard deviation.

    Both are of all images seen in training, in the order they came, so that training and
    inference read a pair alike and nothing depends on the size of a batch. The second image is
    measured by the first one's statistics: two equal images stay equal.

    Args:
        dims: Channels :math:`C_l` of the levels.
        dropout: In training, leaves out channels, the same of both images.
    """

    mean: Tensor
    square: Tensor
    count: Tensor

    def __init__(self, dims: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        self.dims, self.dropout = list(dims), dropout
        self.register_buffer("mean", torch.zeros(sum(dims)))
        self.register_buffer("square", torch.ones(sum(dims)))
        self.register_buffer("count", torch.zeros(()))

    def forward(self, *pyramids: Pyramid) -> tuple[Pyramid, ...]:
        r"""Returns pyramids, levels :math:`(B, P, C_l, G, G)`, standardised; the first is measured."""
        image = pyramids[0]
        if self.training:
            self.observe(image)
        mean = self.mean.split(self.dims)
        std = (self.square - self.mean.square()).clamp(min=FLOOR**2).sqrt().split(self.dims)
        results: tuple[Pyramid, ...] = tuple([] for _ in pyramids)
        for *sides, m, s in zip(*pyramids, mean, std, strict=True):
            x = sides[0]
            ones = x.new_ones(x.shape[0], 1, len(m), 1, 1)  # len(x) would be a number in a graph
            mask = nn.functional.dropout(ones, self.dropout, self.training)
            for level, levels in zip(sides, results, strict=True):
                z = (level - m.view(-1, 1, 1)) / s.view(-1, 1, 1)
                levels.append(z.clamp(-CEILING, CEILING) * mask)
        return results

    @torch.no_grad()
    def observe(self, image: Pyramid) -> None:
        """Takes a batch into the statistics."""
        self.count += 1
        for buffer, power in ((self.mean, 1), (self.square, 2)):
            seen = torch.cat([level.float().pow(power).mean(dim=(0, 1, 3, 4)) for level in image])
            buffer.lerp_(seen, 1 / self.count)
