"""How another image's tokens are let into an image's own."""

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from kdiqa.runtime.words import check_word

Kind = Literal["add", "adain", "mix"]


class Perturbation:
    r"""Disturbs tokens by a matched image's: :math:`F' = F + \beta \, s(F, F_{j^*})`.

    Args:
        kind: What s is: ``add``, :math:`\mathrm{LN}(F_{j^*})`; ``mix``, :math:`F_{j^*} - F`;
            ``adain``, the tokens with the other's mean and spread of each channel, less F.
        beta: β in the end.
        ramp_epochs: Over which β rises from 0; 0 begins with all of it.
        by_gate: Scales β by :math:`1 - g`, channel by channel: noise enters where the gate claims
            that nothing of quality is.

    References:
        | QFM-IQM, section 3.6 by its captions; all kinds, β and its ramp are our interpretation
        | AdaIN: Arbitrary Style Transfer in Real-time (Huang and Belongie, 2017), equation 8
    """

    def __init__(
        self,
        kind: Kind = "add",
        beta: float = 0.3,
        ramp_epochs: float = 2.0,
        by_gate: bool = False,
    ) -> None:
        check_word("noise.kind", kind, Kind)
        self.kind, self.beta = kind, beta
        self.ramp_epochs, self.by_gate = ramp_epochs, by_gate

    def strength(self, epochs: float) -> float:
        """Returns β after so many epochs.

        Example:
            >>> noise = Perturbation(beta=0.3, ramp_epochs=2.0)
            >>> noise.strength(0.0), noise.strength(1.0), noise.strength(9.0)
            (0.0, 0.15, 0.3)
        """
        return self.beta * min(1.0, epochs / self.ramp_epochs) if self.ramp_epochs else self.beta

    def __call__(
        self, patches: Tensor, other: Tensor, gate: Tensor | None, beta: Tensor
    ) -> Tensor:
        r"""Returns disturbed tokens.

        Args:
            patches: Gated tokens :math:`(N, T, D)`.
            other: The matched ones, likewise.
            gate: :math:`(N, D)`, for ``by_gate``.
            beta: Of each row, :math:`(N,)`: 0 where nothing was matched.

        Raises:
            ValueError: If β is to follow a gate that the net has not.
        """
        scale = beta.view(-1, 1, 1)
        if self.by_gate:
            if gate is None:
                raise ValueError(
                    "noise.by_gate=true scales the noise by the net's gate, and it has none. Set"
                    " module.net.gate=true, or module.noise.by_gate=false."
                )
            scale = scale * (1 - gate.unsqueeze(1))
        return patches + scale * self.shift(patches, other.to(patches.dtype))

    def shift(self, patches: Tensor, other: Tensor) -> Tensor:
        """Returns what is added at β = 1."""
        if self.kind == "add":
            return F.layer_norm(other, other.shape[-1:])
        if self.kind == "mix":
            return other - patches
        middle, spread = patches.mean(dim=1, keepdim=True), spread_of(patches)
        styled = (patches - middle) / spread * spread_of(other) + other.mean(dim=1, keepdim=True)
        return styled - patches


def spread_of(tokens: Tensor, eps: float = 1e-5) -> Tensor:
    r"""Returns each channel's standard deviation over tokens :math:`(N, T, D)`, never 0."""
    return (tokens.var(dim=1, keepdim=True, unbiased=False) + eps).sqrt()
