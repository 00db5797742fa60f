r"""The cross-scale integrator: how the difference D and the distorted image U become one vector.

Every variant maps two maps :math:`(B, T, C)` (all levels on the channels) to :math:`(B, F)`.
"""

from typing import Literal, assert_never

import torch
from torch import Tensor, nn

from kdiqa.runtime.words import check_word

Source = Literal["both", "difference", "distorted"]
FusionName = Literal["dpaff1", "dpaff", "dpaff_res", "cat", "add", "aff", "none_lq", "none_diff"]


class Fusion(nn.Module):
    """What all variants share: which maps they need, and how wide their result is."""

    needs: Source = "both"

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, difference: Tensor, distorted: Tensor) -> Tensor:
        r"""Returns the fused vector :math:`(B, F)`."""
        raise TypeError(f"{type(self).__name__} has no forward of its own.")


class CrossAttention(Fusion):
    r"""Attention from the difference to the distorted image.

    .. math:: \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right) V

    Args:
        dim: Channels C of both maps.
        heads: Number of heads.
        project: ``key_value`` takes Q = D as it is and K, V from U (official ``DPAFF1``);
            ``query_key`` takes Q and K from D, and V = U as it is (``DPAFF``).
        residual: Adds U and normalises (a third party's reading of the paper).
    """

    def __init__(
        self,
        dim: int,
        heads: int = 8,
        project: Literal["key_value", "query_key"] = "key_value",
        residual: bool = False,
    ) -> None:
        super().__init__(dim)
        self.heads, self.project = heads, project
        self.pair = nn.Linear(dim, 2 * dim, bias=False)
        self.out = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim) if residual else None

    def forward(self, difference: Tensor, distorted: Tensor) -> Tensor:
        r"""Returns the attended map's mean over tokens, :math:`(B, C)`."""
        if self.project == "key_value":
            q, (k, v) = difference, self.pair(distorted).chunk(2, dim=-1)
        else:
            (q, k), v = self.pair(difference).chunk(2, dim=-1), distorted
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (q, k, v))
        x = nn.functional.scaled_dot_product_attention(q, k, v)
        x = self.out(x.transpose(1, 2).flatten(2))
        if self.norm is not None:
            x = self.norm(x + distorted)
        return x.mean(dim=1)


class Concatenation(Fusion):
    """Both maps' means over tokens, side by side."""

    def __init__(self, dim: int) -> None:
        super().__init__(2 * dim)

    def forward(self, difference: Tensor, distorted: Tensor) -> Tensor:
        r"""Returns :math:`(B, 2C)`."""
        return torch.cat([difference, distorted], dim=-1).mean(dim=1)


class Addition(Fusion):
    """The mean over tokens of the sum of both maps."""

    def forward(self, difference: Tensor, distorted: Tensor) -> Tensor:
        r"""Returns :math:`(B, C)`."""
        return (difference + distorted).mean(dim=1)


class AttentionalFusion(Fusion):
    r"""Attentional feature fusion: a gate from local and global context chooses between the maps.

    .. math:: 2 (M \odot D + (1 - M) \odot U), \quad M = \sigma(\mathrm{local} + \mathrm{global})

    Layer norm stands where the source has batch norm: a batch here is a handful of images.

    References:
        | Attentional Feature Fusion (Dai et al., 2021)
        | https://arxiv.org/abs/2009.14082
    """

    def __init__(self, dim: int, reduction: int = 4) -> None:
        super().__init__(dim)
        self.local, self.globe = (
            nn.Sequential(
                nn.Linear(dim, dim // reduction),
                nn.LayerNorm(dim // reduction),
                nn.ReLU(),
                nn.Linear(dim // reduction, dim),
            )
            for _ in range(2)
        )

    def forward(self, difference: Tensor, distorted: Tensor) -> Tensor:
        r"""Returns :math:`(B, C)`."""
        both = difference + distorted
        gate = torch.sigmoid(self.local(both) + self.globe(both.mean(dim=1, keepdim=True)))
        return 2 * (gate * difference + (1 - gate) * distorted).mean(dim=1)


class DifferenceOnly(Fusion):
    """Only the difference; the distorted-image mixer is not built (ablation E)."""

    needs: Source = "difference"

    def forward(self, difference: Tensor, distorted: Tensor) -> Tensor:
        r"""Returns :math:`(B, C)`."""
        return difference.mean(dim=1)


class DistortedOnly(Fusion):
    """Only the distorted image; the discrepancy extractor is not built (ablation E)."""

    needs: Source = "distorted"

    def forward(self, difference: Tensor, distorted: Tensor) -> Tensor:
        r"""Returns :math:`(B, C)`."""
        return distorted.mean(dim=1)


def fusion_of(name: FusionName, dim: int) -> Fusion:
    """Returns the integrator of a name, for maps of so many channels.

    Args:
        name: ``dpaff1`` (official), ``dpaff`` and ``dpaff_res`` are :class:`CrossAttention`, ``cat``
            :class:`Concatenation`, ``add`` :class:`Addition`, ``aff`` :class:`AttentionalFusion`,
            ``none_lq`` :class:`DifferenceOnly`, ``none_diff`` :class:`DistortedOnly`.
        dim: Channels C of both maps.

    Raises:
        ValueError: If there is no such name.
    """
    check_word("net.fusion", name, FusionName)
    match name:
        case "dpaff1":
            return CrossAttention(dim)
        case "dpaff":
            return CrossAttention(dim, project="query_key")
        case "dpaff_res":
            return CrossAttention(dim, project="query_key", residual=True)
        case "cat":
            return Concatenation(dim)
        case "add":
            return Addition(dim)
        case "aff":
            return AttentionalFusion(dim)
        case "none_lq":
            return DifferenceOnly(dim)
        case "none_diff":
            return DistortedOnly(dim)
    assert_never(name)
