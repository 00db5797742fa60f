"""The MLP-mixer that reads a level of the pyramid, token by token and channel by channel."""

from torch import Tensor, nn

from kdiqa.models.residual import Residual, mlp


class MixerBlock(nn.Sequential):
    r"""Token mixing, then channel mixing, of tokens :math:`(N, T, D)`."""

    def __init__(self, tokens: int, dim: int, expansion: int, dropout: float) -> None:
        super().__init__(
            Residual(dim, mlp(tokens, tokens * expansion, nn.Conv1d, dropout, kernel_size=1)),
            Residual(dim, mlp(dim, dim * expansion, nn.Linear, dropout)),
        )


class Mixer(nn.Module):
    r"""An MLP-mixer over a grid of tokens that returns the output of each of its blocks.

    Args:
        in_dim: Channels of a token on entry (the crops' channels, concatenated).
        dim: Width D of the tokens inside.
        depth: Number K of blocks.
        tokens: Number T of tokens, :math:`G^2`.
        expansion: Of both perceptrons.
        dropout: Behind each of their layers; 0 in the official code.
        norm: Normalises the last tokens (official).

    References:
        | MLP-Mixer: An all-MLP Architecture for Vision (Tolstikhin et al., 2021)
        | https://arxiv.org/abs/2105.01601
    """

    def __init__(
        self,
        in_dim: int,
        dim: int,
        depth: int,
        tokens: int = 49,
        expansion: int = 4,
        dropout: float = 0.0,
        norm: bool = True,
    ) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(
                f"A mixer has at least 1 block, not {depth}. Set module.net.depth and "
                "module.net.distorted_depth to 1 or more;\nto leave a mixer out: fusion=none_diff or "
                "fusion=none_lq."
            )
        self.embed = nn.Linear(in_dim, dim)
        self.blocks = nn.ModuleList(
            MixerBlock(tokens, dim, expansion, dropout) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim) if norm else nn.Identity()

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        r"""Returns of tokens :math:`(N, T, C)` the last ones, normalised, and every block's output.

        All are :math:`(N, T, D)`.
        """
        x = self.embed(x)
        outputs: list[Tensor] = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        return self.norm(x), outputs
