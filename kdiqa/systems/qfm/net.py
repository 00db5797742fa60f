"""QFM-IQM's student: tokens, a gate on their channels, a panel of queries that scores them."""

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kdiqa.batch import Prediction, Pyramid
from kdiqa.models.backbone import Backbone
from kdiqa.models.standardise import Standardise


class Seen(NamedTuple):
    """What the panel scores: one row a crop, N = B·P."""

    patches: Tensor
    r"""Gated patch tokens, :math:`(N, T, D)`."""
    semantic: Tensor
    r"""The gated class token, or the mean of the gated tokens: what the crop shows, :math:`(N, D)`."""
    gate: Tensor | None
    r"""Each channel's share that passes, in (0, 1), :math:`(N, D)`; None without a gate."""


class ChannelGate(nn.Module):
    r"""How much of each channel matters for quality.

    .. math:: g = \sigma(W_2 \, \mathrm{GELU}(W_1 \, \mathrm{GAP}(F))) \in (0, 1)^D,
        \quad W_1 \in \mathbb{R}^{D / r \times D}
    """

    def __init__(self, dim: int, reduction: int = 4) -> None:
        super().__init__()
        self.squeeze = nn.Linear(dim, dim // reduction)
        self.excite = nn.Linear(dim // reduction, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        r"""Returns the gate :math:`(N, D)` of tokens :math:`(N, T, D)`."""
        return torch.sigmoid(self.excite(F.gelu(self.squeeze(tokens.mean(dim=1)))))


class PanelDecoder(nn.Module):
    """A panel: each query begins as the image's class token and asks the tokens its own way.

    Args:
        options: Of ``nn.TransformerDecoderLayer``.

    References:
        | Data-Efficient Image Quality Assessment with Attention-Panel Decoder (Qin et al., 2023)
        | https://arxiv.org/abs/2304.04952
    """

    def __init__(self, dim: int, queries: int, heads: int, depth: int, **options: Any) -> None:
        super().__init__()
        self.queries = nn.Parameter(0.02 * torch.randn(queries, dim))
        options |= {"activation": "gelu", "batch_first": True}
        layer = nn.TransformerDecoderLayer(dim, heads, **options)
        self.layers = nn.TransformerDecoder(layer, depth)
        self.head = nn.Linear(dim, 1)

    def forward(self, patches: Tensor, semantic: Tensor) -> Tensor:
        r"""Returns every member's score, :math:`(N, Q)`, of tokens and class token."""
        first = semantic.unsqueeze(1)
        members = self.layers(first + self.queries, torch.cat([first, patches], dim=1))
        return self.head(members).squeeze(-1)


class PanelNet(nn.Module):
    r"""Scores an image without a reference; the noise of training is not in here.

    Tokens are a ViT's (``backbone.pyramid.taps=tokens``), or the positions of all levels of a CNN, projected
    to one width, with their mean as class token (ours).

    Args:
        backbone: Gives the tokens; frozen or fine-tuned.
        dim: Width D; a ViT of this width is not projected.
        queries: Members of the panel.
        heads: Of the panel's attention.
        depth: Layers of the panel.
        expansion: Width of a layer's hidden layer over D.
        gate: Whether channels are gated.
        gate_reduction: See :class:`ChannelGate`.
        dropout: Within the panel.
        norm_first: Whether the panel normalises before each sublayer and never behind the last: the
            class token then reaches the head as it is (ours, for tokens that are not normalised).
        input_norm: ``running`` standardises each channel by the training images (ours, as
            :class:`kdiqa.systems.akd.net.AKDNet` does); ``none`` leaves them.
        input_dropout: Share of the standardised channels left out in training.

    References:
        | Quality-Feature-Matching (QFM-IQM, 2024), no code published; from captions and reviews
    """

    def __init__(
        self,
        backbone: Backbone,
        dim: int = 384,
        queries: int = 6,
        heads: int = 6,
        depth: int = 1,
        expansion: int = 4,
        gate: bool = True,
        gate_reduction: int = 4,
        dropout: float = 0.0,
        norm_first: bool = False,
        input_norm: Literal["none", "running"] = "none",
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.has_class = backbone.pyramid.taps == "tokens"
        dims = backbone.dims[:1] if self.has_class else backbone.dims
        self.standardise = (
            Standardise(backbone.dims, input_dropout) if input_norm == "running" else None
        )
        plain = self.has_class and dims[0] == dim
        self.projections = nn.ModuleList(
            nn.Identity() if plain else nn.Linear(width, dim) for width in dims
        )
        self.gate = ChannelGate(dim, gate_reduction) if gate else None
        self.decoder = PanelDecoder(
            dim,
            queries,
            heads,
            depth,
            dim_feedforward=expansion * dim,
            dropout=dropout,
            norm_first=norm_first,
        )

    def read(self, image: Pyramid) -> Seen:
        r"""Returns the gated tokens of crops, from levels :math:`(B, P, C_l, G, G)`."""
        if self.standardise is not None:
            (image,) = self.standardise(image)
        levels = [level.flatten(0, 1).flatten(2).transpose(1, 2) for level in image]
        if self.has_class:  # the last level is the class token, the same at every position
            levels = [levels[0], levels[-1].mean(dim=1, keepdim=True)]
            patches, first = (self.projections[0](level) for level in levels)
        else:
            projected = [p(level) for p, level in zip(self.projections, levels, strict=True)]
            patches = torch.cat(projected, dim=1)
            first = patches.mean(dim=1, keepdim=True)
        if self.gate is None:
            return Seen(patches, first.squeeze(1), None)
        gate = self.gate(patches)
        patches, first = (tokens * gate.unsqueeze(1) for tokens in (patches, first))
        return Seen(patches, first.squeeze(1), gate)

    def decide(self, seen: Seen) -> Tensor:
        r"""Returns the mean of the panel's scores, float32, :math:`(N,)`."""
        semantic = seen.semantic if self.has_class else seen.patches.mean(dim=1)
        return self.decoder(seen.patches, semantic).float().mean(dim=1)

    def forward(self, image: Pyramid) -> Prediction:
        """Returns the score, and the semantic vector as ``fused``: means over an image's crops."""
        seen = self.read(image)
        return self.prediction(self.decide(seen), seen.semantic, image[0].shape[1])

    @staticmethod
    def prediction(score: Tensor, semantic: Tensor, crops: int) -> Prediction:
        """Returns the prediction of images from rows of crops."""
        score, semantic = (x.unflatten(0, (-1, crops)).mean(dim=1) for x in (score, semantic))
        return Prediction(score, None, None, semantic)
