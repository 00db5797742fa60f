r"""The cross-scale integrator: how the difference D and the distorted image U become one vector.

Every variant maps two maps :math:`(B, T, C)` (all levels on the channels) to :math:`(B, F)`.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from kdiqa.runtime.words import check_word

FusionName = Literal["dpaff1", "dpaff", "dpaff_res", "cat", "add", "aff", "none_lq", "none_diff"]


class Fusion(nn.Module):
    """What all variants share: which maps they need, and how wide their result is."""

    needs: str = "both"  # or difference, distorted

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


class MeanFusion(Fusion):
    r"""The mean over tokens of both maps, or of one: a mixer whose map is not read is not built.

    Args:
        dim: Channels C of a map.
        join: ``cat`` puts both on the channels, :math:`(B, 2C)`; ``add`` sums them; ``none_lq``
            reads the difference only and ``none_diff`` the distorted image only (ablation E).
    """

    def __init__(self, dim: int, join: Literal["cat", "add", "none_lq", "none_diff"]) -> None:
        super().__init__(2 * dim if join == "cat" else dim)
        self.join = join
        self.needs = {"none_lq": "difference", "none_diff": "distorted"}.get(join, "both")

    def forward(self, difference: Tensor, distorted: Tensor) -> Tensor:
        r"""Returns the fused vector :math:`(B, F)`."""
        if self.join == "cat":
            return torch.cat([difference, distorted], dim=-1).mean(dim=1)
        if self.join == "add":
            return (difference + distorted).mean(dim=1)
        return (difference if self.join == "none_lq" else distorted).mean(dim=1)


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
        r"""Returns the fused vector :math:`(B, C)`."""
        both = difference + distorted
        gate = torch.sigmoid(self.local(both) + self.globe(both.mean(dim=1, keepdim=True)))
        return 2 * (gate * difference + (1 - gate) * distorted).mean(dim=1)


def fusion_of(name: FusionName, dim: int) -> Fusion:
    """Returns the integrator of a name, for maps of so many channels.

    Args:
        name: ``dpaff1`` (official), ``dpaff`` and ``dpaff_res`` are :class:`CrossAttention`,
            ``aff`` is :class:`AttentionalFusion`, the others are :class:`MeanFusion`.
        dim: Channels C of both maps.
    """
    check_word("net.fusion", name, FusionName)
    match name:
        case "dpaff1":
            return CrossAttention(dim)
        case "dpaff" | "dpaff_res":
            return CrossAttention(dim, project="query_key", residual=name == "dpaff_res")
        case "aff":
            return AttentionalFusion(dim)
        case _:
            return MeanFusion(dim, name)
