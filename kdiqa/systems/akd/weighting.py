r"""How much each level counts: every weighting of the adaptive distillation.

Each maps level losses :math:`(L, B)`, one number a sample, to a scalar and the weights :math:`(L,)`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kdiqa.batch import Prediction

Weighed = tuple[Tensor, Tensor]


class Weighting(nn.Module):
    """Every level alike: ω = scale / L."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(
        self, losses: Tensor, student: Prediction, teacher: Prediction, mos: Tensor
    ) -> Weighed:
        r"""Returns the scalar to minimise and the weights :math:`(L,)`."""
        weights = self.weights(losses)
        if len(losses) != len(weights):
            raise ValueError(
                f"The weighting has {len(weights)} levels and the distiller compares {len(losses)}."
                " Give distiller.weighting one value a level of distiller.levels."
            )
        return (weights * losses.mean(dim=1)).sum() + self.penalty(weights), weights

    def weights(self, losses: Tensor) -> Tensor:
        r"""Returns the weights :math:`(L,)`."""
        return torch.full_like(losses[:, 0], self.scale / len(losses))

    def penalty(self, weights: Tensor) -> Tensor:
        """Returns what is added to the weighted losses."""
        return weights.new_zeros(())

    def end_epoch(self) -> None:
        """Lets a weighting that remembers epochs move on."""


class FixedWeighting(Weighting):
    """Weights given by hand, one a level; the official initial ones are .45, .45, .05, .05."""

    values: Tensor

    def __init__(self, values: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("values", torch.tensor(list(values)))

    def weights(self, losses: Tensor) -> Tensor:
        """Returns the given weights."""
        return self.values


class SoftmaxWeighting(Weighting):
    r"""Learnt weights that sum to the scale (official): :math:`\omega = s \, \mathrm{softmax}(w)`.

    Gradient descent always moves weight to the level with the smallest loss, useful or not; watch
    the weights, and compare with ``learn=False``, the control at the same initial values.

    Args:
        init: One w a level; official: 3, 3, 0.8, 0.8 within and 1, 1, 1, 0.7 across data sets.
        scale: Sum s of the weights; official: 1 within and 3 across data sets.
        entropy: Weight η of :math:`\eta \sum \omega \log \omega`, which holds them together.
        learn: Whether w moves at all.
    """

    def __init__(
        self,
        init: Sequence[float] = (3.0, 3.0, 0.8, 0.8),
        scale: float = 1.0,
        entropy: float = 0.0,
        learn: bool = True,
    ) -> None:
        super().__init__(scale)
        self.entropy = entropy
        self.logits = nn.Parameter(torch.tensor(list(init)), requires_grad=learn)

    def weights(self, losses: Tensor) -> Tensor:
        """Returns the softmax."""
        return self.scale * self.logits.softmax(dim=0)

    def penalty(self, weights: Tensor) -> Tensor:
        """Returns the negative entropy, weighted."""
        return self.entropy * (weights * weights.clamp(min=1e-12).log()).sum()


class SoftplusWeighting(Weighting):
    r"""Learnt weights :math:`\omega = \mathrm{softplus}(v)` that may all go to 0 (a third party's).

    Args:
        init: Initial weight of each level.
        normalise: Makes the weights sum to 1; without it, distillation switches itself off.
    """

    def __init__(self, init: Sequence[float] = (0.25,) * 4, normalise: bool = False) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.tensor(list(init)).expm1().log())
        self.normalise = normalise

    def weights(self, losses: Tensor) -> Tensor:
        """Returns the softplus."""
        weights = nn.functional.softplus(self.raw)
        return weights / weights.sum() if self.normalise else weights


class UncertaintyWeighting(Weighting):
    r"""Homoscedastic uncertainty: :math:`\sum_l \tfrac12 e^{-s_l} L_l + \tfrac12 s_l`.

    Well posed: its optimum is :math:`e^{s_l} = L_l`, all levels equalised.

    References:
        | Multi-Task Learning Using Uncertainty to Weigh Losses (Kendall et al., 2018)
        | https://arxiv.org/abs/1705.07115
    """

    def __init__(self, num_levels: int = 4) -> None:
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(num_levels))

    def weights(self, losses: Tensor) -> Tensor:
        """Returns half the precisions."""
        return 0.5 * torch.exp(-self.log_variance)

    def penalty(self, weights: Tensor) -> Tensor:
        """Returns half the sum of the log-variances."""
        return 0.5 * self.log_variance.sum()


class DynamicAverage(Weighting):
    r"""Dynamic weight average: levels whose loss falls slowest count most; no gradient.

    .. math:: \omega_l = L \, \mathrm{softmax}_l\!\left(\bar L_l(t-1) / \bar L_l(t-2) / \tau\right)

    References:
        | End-to-End Multi-Task Learning with Attention (Liu et al., 2019), equation 7
        | https://arxiv.org/abs/1803.10704
    """

    history: Tensor

    def __init__(self, num_levels: int = 4, temperature: float = 2.0) -> None:
        super().__init__()
        self.temperature = temperature
        self.register_buffer("history", torch.ones(2, num_levels))
        # No buffer: DDP would overwrite every rank's own sum with the first one's.
        self.seen: list[Tensor] = []

    def weights(self, losses: Tensor) -> Tensor:
        """Returns the weights of this epoch, and stores its losses."""
        if self.training:
            self.seen.append(losses.detach().mean(dim=1))
        ratio = self.history[1] / self.history[0].clamp(min=1e-12)
        return len(ratio) * (ratio / self.temperature).softmax(dim=0)

    def end_epoch(self) -> None:
        """Takes the epoch's mean losses, the same on every rank, into the history."""
        mean = torch.stack(self.seen).mean(dim=0)
        self.seen.clear()
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(mean)
            mean /= torch.distributed.get_world_size()
        first = bool((self.history == 1).all())
        self.history.copy_(torch.stack([mean if first else self.history[1], mean]))


class HardFocus(Weighting):
    r"""Badly matched levels count most: :math:`\omega = \mathrm{softmax}(L_l / \bar L / \tau)`."""

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__()
        self.temperature = temperature

    def weights(self, losses: Tensor) -> Tensor:
        """Returns the softmax of the relative losses, without a gradient."""
        mean = losses.detach().mean(dim=1)
        return (mean / mean.mean().clamp(min=1e-12) / self.temperature).softmax(dim=0)
