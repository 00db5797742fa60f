"""Cascaded group attention: each head reads its share of the channels and the last head's output."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvNorm(nn.Sequential):
    """A convolution of an odd kernel that leaves the map's size, without bias, then batch norm.

    Args:
        gain: Initial scale of the batch norm; 0 makes a residual branch begin as nothing.
    """

    def __init__(
        self, dim: int, out_dim: int, kernel_size: int = 1, groups: int = 1, gain: float = 1.0
    ) -> None:
        convolution = nn.Conv2d(
            dim, out_dim, kernel_size, padding=kernel_size // 2, groups=groups, bias=False
        )
        norm = nn.BatchNorm2d(out_dim)
        nn.init.constant_(norm.weight, gain)
        super().__init__(convolution, norm)


class CascadedGroupAttention(nn.Module):
    r"""Self-attention of a small map whose heads work one after another.

    .. math::
        \tilde x_i = x_i + o_{i-1}, \quad
        o_i = \mathrm{softmax}\!\left(\tfrac{q_i k_i^\top}{\sqrt{d_k}} + b_i\right) v_i, \quad
        y = \mathrm{ConvNorm}(\mathrm{ReLU}([o_1, \dots, o_h]))

    x is split over the heads by channels. q, k and v are 1×1 convolutions with batch norm; a
    depthwise one mixes each query with its neighbours; the bias depends on how many rows and columns lie
    between two positions.

    Args:
        dim: Channels C.
        heads: Number of heads h.
        key_dim: Channels of a head's queries and keys.
        attn_ratio: Channels of its values, in ``key_dim``; they must make up C over all heads.
        resolution: Side of the largest map.
        kernel_size: Of the depthwise convolution.
        cascade: Whether a head gets the one before it; without, it is plain group attention.

    References:
        | EfficientViT (Liu et al., 2023), section 3.2; official code ``microsoft/Cream``, MIT
        | https://arxiv.org/abs/2305.07027
    """

    def __init__(
        self,
        dim: int,
        heads: int = 4,
        key_dim: int = 16,
        attn_ratio: float = 2.0,
        resolution: int = 7,
        kernel_size: int = 5,
        cascade: bool = True,
    ) -> None:
        super().__init__()
        value_dim = round(attn_ratio * key_dim)
        if value_dim * heads != dim:
            raise ValueError(
                f"{heads} heads of attn_ratio {attn_ratio:g} × key_dim {key_dim} = {value_dim} values"
                f" make {heads * value_dim} channels, not {dim}, and one head could not be added to"
                " the next. Change net.dim, or net.attention.key_dim."
            )
        self.heads, self.key_dim, self.cascade = heads, key_dim, cascade
        self.widths = (key_dim, key_dim, value_dim)
        self.qkv = nn.ModuleList(ConvNorm(value_dim, sum(self.widths)) for _ in range(heads))
        self.around = nn.ModuleList(
            ConvNorm(key_dim, key_dim, kernel_size, key_dim) for _ in range(heads)
        )
        self.project = nn.Sequential(nn.ReLU(), ConvNorm(dim, dim, gain=0.0))
        self.bias = nn.Parameter(torch.zeros(heads, resolution, resolution))

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        r"""Returns the attended map, :math:`(N, C, H, W)`.

        Args:
            x: :math:`(N, C, H, W)`; H and W are at most the resolution.
            valid: Where x is no padding, :math:`(N, 1, H, W)`; all of it by default.
        """
        outputs: list[Tensor] = []
        bias = self.biases(*x.shape[-2:])
        for head, group in enumerate(x.chunk(self.heads, dim=1)):
            given = group + outputs[-1] if self.cascade and outputs else group
            outputs.append(self.attend(head, given, bias[head], valid))
        return self.project(torch.cat(outputs, dim=1))

    def attend(self, head: int, x: Tensor, bias: Tensor, valid: Tensor | None) -> Tensor:
        r"""Returns the output of one head, :math:`(N, C / h, H, W)`."""
        q, k, v = self.qkv[head](x).split(self.widths, dim=1)
        if valid is not None:
            q = q * valid  # as the zeros beyond a map's edge, which the convolution pads with
        q = self.around[head](q)
        scores = q.flatten(2).mT @ k.flatten(2) * self.key_dim**-0.5 + bias
        if valid is not None:
            scores = scores.masked_fill(~valid.flatten(2), float("-inf"))
        return (v.flatten(2) @ scores.softmax(dim=-1).mT).unflatten(2, x.shape[-2:])

    def biases(self, height: int, width: int) -> Tensor:
        r"""Returns the bias of every pair of positions of a map, :math:`(h, H W, H W)`."""
        rows, columns = (torch.arange(n, device=self.bias.device) for n in (height, width))
        down = (rows[:, None] - rows).abs()[:, None, :, None]
        across = (columns[:, None] - columns).abs()[None, :, None]
        return self.bias[:, down, across].flatten(3, 4).flatten(1, 2)


class WindowAttention(nn.Module):
    r"""A residual branch of cascaded group attention inside windows that tile the map.

    A map that is no multiple of the window is padded at its right and lower edge; the padding is
    no key of any position. In training it still counts in the statistics of batch norm.

    Args:
        window: Side of a window; the others are as for :class:`CascadedGroupAttention`.
    """

    def __init__(
        self,
        dim: int,
        window: int = 7,
        heads: int = 4,
        key_dim: int = 16,
        attn_ratio: float = 2.0,
        cascade: bool = True,
    ) -> None:
        super().__init__()
        self.window = window
        self.attention = CascadedGroupAttention(
            dim, heads, key_dim, attn_ratio, window, cascade=cascade
        )

    def forward(self, x: Tensor) -> Tensor:
        r"""Returns the branch's map, to be added to x, :math:`(N, C, H, W)`."""
        height, width = x.shape[-2:]
        if height <= self.window and width <= self.window:
            return self.attention(x)
        lower, right = -height % self.window, -width % self.window
        windows = partition(F.pad(x, (0, right, 0, lower)), self.window)
        valid = None
        if lower or right:
            inside = F.pad(x.new_ones(x.shape[0], 1, height, width), (0, right, 0, lower))
            valid = partition(inside, self.window).bool()
        padded = (height + lower, width + right)
        return joined(self.attention(windows, valid), padded)[..., :height, :width]


def partition(x: Tensor, window: int) -> Tensor:
    r"""Returns the windows of a map, row by row, :math:`(N K, C, w, w)`, K windows a map."""
    x = x.unflatten(3, (-1, window)).unflatten(2, (-1, window))
    return x.permute(0, 2, 4, 1, 3, 5).flatten(0, 2)


def joined(windows: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns the map of a size that :func:`partition` cut into windows."""
    side = windows.shape[-1]
    rows, columns = (length // side for length in size)
    x = windows.unflatten(0, (-1, rows, columns)).permute(0, 3, 1, 4, 2, 5)
    return x.flatten(4, 5).flatten(2, 3)
