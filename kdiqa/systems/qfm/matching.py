"""Semantic noise matching: which other image's features an image's score must not depend on."""

from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor

from kdiqa.runtime.words import check_word
from kdiqa.systems.qfm.losses import cosines
from kdiqa.systems.qfm.queue import Entries

Rule = Literal["low_sem_sim", "high_sem_sim", "random", "off"]


class Shortlist(NamedTuple):
    """The m candidates of each row, the first-ranked first."""

    entry: Tensor
    r"""The index of each in the memory, :math:`(N, m)`."""
    weight: Tensor
    r"""Weight of each in the draw; 0 where there is none, :math:`(N, m)`."""
    cosine: Tensor
    r"""How alike both images are in meaning, in [-1, 1], :math:`(N, m)`."""


class Matching:
    r"""Finds entries of other images with nearly the same score and a different meaning.

    .. math:: C_i = \{j : |y_j - y_i| \le \delta, \mathrm{id}_j \ne \mathrm{id}_i\}

    or, where that is empty, the k nearest scores of other images. Among the m of :math:`C_i` that
    the rule ranks first, one is drawn.

    Args:
        rule: ``low_sem_sim`` ranks by the lowest cosine of the semantic vectors,
            ``high_sem_sim`` by the highest, ``random`` not at all; ``off`` disturbs nothing.
        delta: δ, in [0, 1] units of MOS.
        candidates: m.
        nearest: k.
        adversarial: Takes the one of the m that changes the score most, in place of the draw.

    References:
        | QFM-IQM, section 3.5 by its captions; m, δ and the fallback are our interpretation
    """

    def __init__(
        self,
        rule: Rule = "low_sem_sim",
        delta: float = 0.05,
        candidates: int = 8,
        nearest: int = 8,
        adversarial: bool = False,
    ) -> None:
        check_word("matching.rule", rule, Rule)
        if min(candidates, nearest) < 1 or delta < 0:
            raise ValueError(
                f"matching needs at least one candidate and one nearest score, and a delta of 0 or"
                f" more; it has {candidates}, {nearest} and {delta:g}."
            )
        self.rule, self.delta, self.adversarial = rule, delta, adversarial
        self.candidates, self.nearest = candidates, nearest

    @torch.no_grad()
    def shortlist(self, rows: Entries, held: Entries, generator: Generator) -> Shortlist:
        """Returns the candidates of each row among the entries held."""
        gap = (rows.score[:, None] - held.score).abs()
        other = (rows.image[:, None] != held.image) & gap.isfinite()  # a masked label is NaN
        gap = gap.masked_fill(~other, torch.inf)
        close = gap <= self.delta
        count = min(self.nearest, len(held.score))
        nearest = torch.zeros_like(close).scatter(
            1, gap.topk(count, largest=False).indices, value=True
        )
        allowed = torch.where(close.any(dim=1, keepdim=True), close, nearest & other)
        cosine = cosines(rows.semantic, held.semantic)
        rank = {"low_sem_sim": cosine, "high_sem_sim": -cosine}.get(self.rule)
        if rank is None:
            rank = torch.rand(cosine.shape, generator=generator, device=cosine.device)
        first = rank.masked_fill(~allowed, torch.inf).topk(
            min(self.candidates, len(held.score)), largest=False
        )
        weight = held.weight[first.indices] * first.values.isfinite()
        return Shortlist(first.indices, weight, cosine.gather(1, first.indices))

    @staticmethod
    def draw(weight: Tensor, generator: Generator) -> Tensor:
        r"""Returns one column of weights :math:`(N, m)` for each row, each as likely as it weighs."""
        # The first of exponential clocks to ring: unlike torch.multinomial, it asks for no value.
        uniform = torch.rand(weight.shape, generator=generator, device=weight.device)
        return (-uniform.clamp(min=1e-12).log() / weight).argmin(dim=1)
