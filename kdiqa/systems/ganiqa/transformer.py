"""Encoder and decoder over tokens: pre-normalised layers without an order of their own."""

from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.models.residual import Residual, mlp

HEADS, EXPANSION = 4, 4  # of an attention; of a perceptron's hidden layer


class Attention(nn.Module):
    r"""Multi-head attention of tokens to others, :math:`\mathrm{softmax}(QK^\top/\sqrt d)V`, then dropout."""

    def __init__(self, dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.pair = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.out = nn.Sequential(nn.Linear(dim, dim), nn.Dropout(dropout))

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        r"""Returns one token for each of x, :math:`(B, T, D)`, from a memory :math:`(B, T', D)` or x."""
        k, v = self.pair(x if memory is None else memory).chunk(2, dim=-1)
        q, k, v = (
            y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (self.query(x), k, v)
        )
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class EncoderLayer(nn.Sequential):
    """Self-attention and a perceptron, each in a pre-normalised residual branch with dropout."""

    def __init__(self, dim: int, dropout: float = 0.1) -> None:
        super().__init__(
            Residual(dim, Attention(dim, HEADS, dropout)),
            Residual(dim, mlp(dim, dim * EXPANSION, nn.Linear, dropout)),
        )


class DecoderLayer(nn.Module):
    """Self-attention of the queries, attention to the memory, and a perceptron, all with dropout."""

    def __init__(self, dim: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.own = Residual(dim, Attention(dim, HEADS, dropout))
        self.norm = nn.LayerNorm(dim)
        self.cross = Attention(dim, HEADS, dropout)
        self.perceptron = Residual(dim, mlp(dim, dim * EXPANSION, nn.Linear, dropout))

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        r"""Returns the queries, informed by the memory, :math:`(B, T, D)`."""
        x = self.own(x)
        return self.perceptron(x + self.cross(self.norm(x), memory))
