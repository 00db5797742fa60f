"""From pooled levels to tokens of one width, whose difference the discrepancy extractor reads."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kdiqa.batch import Pyramid


class LevelEmbedding(nn.Module):
    r"""A 1×1 projection of each level to one width, shared by both images of a pair.

    Args:
        dims: Channels :math:`C_l` of the levels.
        dim: Width D they get.
        norm_affine: Trains a scale and shift of the normalised channels first.
    """

    def __init__(self, dims: Sequence[int], dim: int, norm_affine: bool = False) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear(channels, dim) for channels in dims)
        # The backbone normalises; what remains of an affine layer norm commutes with pooling.
        self.scales = nn.ParameterList(torch.ones(c) for c in dims if norm_affine)
        self.shifts = nn.ParameterList(torch.zeros(c) for c in dims if norm_affine)

    def forward(self, pyramid: Pyramid) -> Tensor:
        r"""Returns the embedded levels :math:`(L, B, P, D, T)`."""
        levels: list[Tensor] = []
        for i, (level, projection) in enumerate(zip(pyramid, self.projections, strict=True)):
            x = level.flatten(3).transpose(2, 3)
            if len(self.scales):
                x = x * self.scales[i] + self.shifts[i]
            levels.append(projection(x).transpose(2, 3))
        return torch.stack(levels)
