"""What mixers and transformers are built of: a pre-normalised residual branch, a perceptron."""

from torch import Tensor, nn


class Residual(nn.Module):
    """``x + f(norm(x))``: a pre-normalised residual branch."""

    def __init__(self, dim: int, branch: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        """Returns tokens of the shape they came in."""
        return x + self.branch(self.norm(x))


def mlp(
    width: int, hidden: int, layer: type[nn.Module], dropout: float, **options: int
) -> nn.Module:
    """Returns a two-layer perceptron, over channels or (as a convolution) over tokens."""
    return nn.Sequential(
        layer(width, hidden, **options),
        nn.GELU(),
        nn.Dropout(dropout),
        layer(hidden, width, **options),
        nn.Dropout(dropout),
    )
