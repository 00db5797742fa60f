"""A pyramid of filter responses, for where no pretrained weights are at hand: nothing to download.

Natural images differ less in how the logarithms of neighbouring differences are distributed than
in what they show; blur, noise and compression each shift that distribution in their own way.
"""

from typing import Any, ClassVar

import torch
from timm.models import FeatureInfo, register_model
from torch import Tensor, nn
from torch.nn import functional as F

# One row a filter, read row by row; each is a difference of neighbours, so that it ignores a constant.
FILTERS = (
    (0, 0, 0, 0, -1, 1, 0, 0, 0),  # to the right
    (0, 0, 0, 0, -1, 0, 0, 1, 0),  # downwards
    (0, 0, 0, 0, -0.7, 0, 0, 0, 0.7),  # along both diagonals
    (0, 0, 0, 0, -0.7, 0, 0.7, 0, 0),
    (0, 0, 0, -0.5, 1, -0.5, 0, 0, 0),  # second differences across and down
    (0, -0.5, 0, 0, 1, 0, 0, -0.5, 0),
    (0, -0.25, 0, -0.25, 1, -0.25, 0, -0.25, 0),  # Laplacian
    (0.25, -0.5, 0.25, -0.5, 1, -0.5, 0.25, -0.5, 0.25),  # corner
)
LAPLACIAN = FILTERS[6]
LUMINANCE = (0.299, 0.587, 0.114)
OPPONENTS = ((0.5, -0.5, 0.0), (-0.25, -0.25, 0.5))  # red against green, blue against yellow
ANCHORS = (0.0, 5.0)


class LogFilters(nn.Module):
    r"""Octaves of log responses: eight filters on luminance, a Laplacian on two opponent colours.

    .. math:: x_{l,c} = \log(1 + |w_c * I_l|), \quad I_{l+1} = \text{2×2 mean of } I_l

    Two constant channels are added: the backbone's layer norm divides each position by its
    own contrast, which makes images alike, and what it divided by stays readable in these.

    Args:
        levels: Octaves, fine to coarse, at strides 1, 2, 4, …

    Example:
        >>> [tuple(level.shape) for level in LogFilters(2)(torch.zeros(1, 3, 16, 24))]
        [(1, 12, 16, 24), (1, 12, 8, 12)]
    """

    weight: Tensor
    pretrained_cfg: ClassVar[dict[str, tuple[float, ...]]] = {
        "mean": (0.0,) * 3,
        "std": (1 / 255,) * 3,
    }

    def __init__(self, levels: int = 4) -> None:
        super().__init__()
        luminance = [torch.tensor(LUMINANCE)[:, None] * torch.tensor(f) for f in FILTERS]
        colours = [torch.tensor(c)[:, None] * torch.tensor(LAPLACIAN) for c in OPPONENTS]
        weight = torch.stack([*luminance, *colours]).unflatten(2, (3, 3))
        self.register_buffer("weight", weight)
        octave = {"num_chs": len(weight) + len(ANCHORS), "module": ""}
        octaves = [octave | {"reduction": 2**level} for level in range(levels)]
        self.feature_info = FeatureInfo(octaves, tuple(range(levels)))

    def forward(self, x: Tensor) -> list[Tensor]:
        r"""Returns the octaves of images :math:`(N, 3, H, W)` in [0, 255]."""
        octaves: list[Tensor] = []
        # Differences of pixels need all their bits, whatever the precision of the rest.
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            for _ in self.feature_info.channels():
                response = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), self.weight)
                response = response.abs().log1p()
                anchors = [torch.full_like(response[:, :1], value) for value in ANCHORS]
                octaves.append(torch.cat([response, *anchors], dim=1))
                x = F.avg_pool2d(x, 2) if min(x.shape[-2:]) > 1 else x  # of a stamp
        return octaves


@register_model
def log_filters(
    pretrained: bool = False, out_indices: tuple[int, ...] = (0, 1, 2, 3), **options: Any
) -> LogFilters:
    """Returns the pyramid of as many levels as ``out_indices``, by timm's conventions.

    There are no weights to load, and no other option of ``timm.create_model`` changes anything.
    """
    return LogFilters(len(out_indices))
