"""The nets of GAN-IQA-KD: a full-reference teacher, and a light student that needs no reference.

The paper's abstract names the blocks; how they are joined here follows the code that it resembles
most, *Conformer and Blind Noisy Students*, and is our interpretation where that is silent.

References:
    | GAN-generated image quality assessment by knowledge distillation (Yan & Si, 2024)
    | Conformer and Blind Noisy Students for Improved Image Quality Assessment (Conde et al., 2022)
    | https://arxiv.org/abs/2204.12819
"""

from typing import Literal

import torch
from torch import Tensor, nn

from kdiqa.batch import Prediction, Pyramid
from kdiqa.models.backbone import Backbone
from kdiqa.models.pooled import ScoreHead
from kdiqa.runtime.words import check_word
from kdiqa.systems.ganiqa.attention import WindowAttention
from kdiqa.systems.ganiqa.blocks import (
    Attention,
    Head,
    Last,
    Reader,
    SeparableConvolution,
    over_crops,
    stacked,
    tokens_of,
    visibility,
)
from kdiqa.systems.ganiqa.masked import MaskedBackbone
from kdiqa.systems.ganiqa.transformer import DecoderLayer, EncoderLayer

Query = Literal["ref", "diff"]


class GANIQATeacher(nn.Module):
    r"""Scores an image by its difference to its reference, read by a transformer.

    .. math:: F_d = F_r - F_x, \quad \mathrm{head}(\mathrm{Dec}(F_r, \mathrm{Enc}(F_d)))

    Args:
        backbone: The pyramid, frozen. A :class:`MaskedBackbone` weighs the difference at a position
            by how little that masks (JND mode ``weight``): :math:`e^{-\mathrm{JND}}`, mean 1.
        dim: Width D of a token.
        layers: Of the encoder, and of the decoder.
        attention: Of the maps, see :class:`Reader`.
        query: What asks the decoder: the tokens of the reference ``ref`` (the paper), or those of
            the difference ``diff``.
        semantic: Whether the head sees the distance of both images' coarsest levels.
        dropout: In the transformer and the head.
        input_dropout: As for :class:`Reader`.
    """

    def __init__(
        self,
        backbone: Backbone,
        dim: int = 128,
        layers: int = 1,
        attention: Attention | None = WindowAttention,
        query: Query = "ref",
        semantic: bool = True,
        dropout: float = 0.1,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_word("net.query", query, Query)
        self.backbone, self.query = backbone, query
        self.masked = isinstance(backbone, MaskedBackbone)
        dims = backbone.dims[:-1] if self.masked else backbone.dims
        self.read = Reader(dims, dim, attention, input_dropout)
        self.convolve = nn.ModuleDict({k: SeparableConvolution(dim) for k in ("diff", query)})
        # A quality token and an embedding for each position; one set for each side of the transformer.
        self.tokens = nn.Parameter(0.02 * torch.randn(2, backbone.grid**2 + 1, dim))
        self.encoder = nn.Sequential(*(EncoderLayer(dim, dropout=dropout) for _ in range(layers)))
        self.decoder = nn.ModuleList(DecoderLayer(dim, dropout=dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.head = Head(dim, dims[-1] if semantic else 0, dropout)

    def forward(self, image: Pyramid, second: Pyramid) -> Prediction:
        """Returns the score of ``image`` compared with its reference ``second``, and its features."""
        crops, threshold = image[0].shape[1], second[-1]
        if self.masked:
            image, second = image[:-1], second[:-1]
        (distorted_map, reference_map), means = self.read(image, second)
        gap = reference_map - distorted_map
        if self.masked:
            gap = gap * visibility(threshold.flatten(0, 1))
        given = {"ref": reference_map, "diff": gap}
        maps = {name: convolve(given[name]) for name, convolve in self.convolve.items()}
        encoded = self.encoder(self.with_quality(maps["diff"], 0))
        decoded = self.with_quality(maps[self.query], 1)
        for layer in self.decoder:
            decoded = layer(decoded, encoded)
        output = self.head(self.norm(decoded[:, 0]), (means[0] - means[1]).abs())
        difference = stacked([tokens_of(maps["diff"]), encoded[:, 1:]], crops)
        distorted = stacked([tokens_of(distorted_map), decoded[:, 1:]], crops)
        return over_crops(output, difference, distorted, crops)

    def with_quality(self, x: Tensor, side: int) -> Tensor:
        r"""Returns a map's tokens behind a quality token, all embedded, :math:`(N, T + 1, D)`."""
        return nn.functional.pad(tokens_of(x), (0, 0, 1, 0)) + self.tokens[side]


class GANIQAStudent(nn.Module):
    """Scores an image without a reference: attention, a separable convolution, the mean over positions.

    Args:
        backbone: Small, its own or, frozen, its teacher's.
        dim: Channels D of the map.
        attention: Of the map, as ``input_dropout`` and ``drop_path`` for :class:`Reader`.
        semantic: Whether the head sees the means of the coarsest level.
        dropout: Before the layers of the head.
        last: Layer of the head, see :class:`Head`.
    """

    def __init__(
        self,
        backbone: Backbone,
        dim: int = 128,
        attention: Attention | None = WindowAttention,
        semantic: bool = True,
        dropout: float = 0.2,
        input_dropout: float = 0.0,
        drop_path: float = 0.1,
        last: Last = ScoreHead,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.levels = len(backbone.dims) - isinstance(backbone, MaskedBackbone)
        dims = backbone.dims[: self.levels]
        self.read = Reader(dims, dim, attention, input_dropout, drop_path)
        self.convolve = SeparableConvolution(dim)
        self.head = Head(dim, dims[-1] if semantic else 0, dropout, last)

    def forward(self, image: Pyramid, second: Pyramid | None = None) -> Prediction:
        """Returns the score of ``image``, and its features.

        With a ``second`` image, its reference, the net reads their difference (ablation).
        """
        inputs = [image] if second is None else [image, second]
        maps, means = self.read(*(pyramid[: self.levels] for pyramid in inputs))
        x, semantics = maps[0], means[0]
        if second is not None:
            x, semantics = maps[1] - x, (means[1] - semantics).abs()
        convolved = self.convolve(x)
        output = self.head(convolved.mean(dim=(2, 3)), semantics)
        crops = image[0].shape[1]
        features = stacked([tokens_of(x), tokens_of(convolved)], crops)
        return over_crops(output, None, features, crops)
