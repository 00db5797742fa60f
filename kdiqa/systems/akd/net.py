"""The net of AKD-IQA and CVRKD-IQA: one class for the teacher and the student of both."""

from typing import Literal

import torch
from torch import Tensor, nn

from kdiqa.batch import Prediction, Pyramid
from kdiqa.models.backbone import Backbone
from kdiqa.models.standardise import Standardise
from kdiqa.runtime.words import check_word
from kdiqa.systems.akd.discrepancy import LevelEmbedding
from kdiqa.systems.akd.integrator import FusionName, fusion_of
from kdiqa.systems.akd.mixer import Mixer

LevelFusion = Literal["late", "early_cat"]


class AKDNet(nn.Module):
    r"""Scores an image from its distance to a second one, level by level.

    The second image is the pristine reference for a teacher and a re-distorted copy of the image
    itself for a student. Each mixer is shared by the levels, which pass it as one larger batch.

    Args:
        backbone: The pyramid; frozen, it is shared with a teacher of the same weights.
        num_crops: Crops P of an image. With ``crop_fusion="cat"`` the weights depend on it.
        dim: Width D of a level's tokens.
        depth: Blocks of the discrepancy extractor (MFDE): 18 for a student, 36 for a teacher.
        distorted_depth: Blocks of the distorted-image mixer (CFI): 9 and 18.
        sign: +1 for distorted minus second (official), -1 for second minus distorted.
        crop_fusion: ``cat`` puts the crops on the channels (official); ``mean`` scores each crop
            with the same weights and averages, whatever their number and order.
        fusion: Which integrator, see :func:`kdiqa.systems.akd.integrator.fusion_of`.
        dropout: In the mixers and before the head; 0 in the official code.
        norm_affine: Trains a scale and shift on each level (official: none).
        input_norm: ``running`` standardises each channel of the pyramids by the training images
            seen so far (ours, for levels that are not layer-normalised); ``none`` is official.
        input_dropout: Share of the standardised channels left out in training.
        mixer_norm: Normalises the tokens that leave a mixer (official). Without, a level weighs
            as much as its channels vary: fewer training images are overfitted.
        level_fusion: ``late`` reads the levels one by one (AKD-IQA); ``early_cat`` puts them on
            the channels, and the mixers read them all at once, as one level (CVRKD-IQA).
        embed_dim: Width a level is projected to before a mixer; None for ``dim``.
        head_dim: Width of a layer between the fused vector and the score, with no activation
            behind it (CVRKD-IQA); None scores the fused vector itself.

    References:
        | AKD-IQA, official code: ``BoHu90/AKD-IQA`` (no licence; implemented from a description)
        | CVRKD-IQA: Content-Variant Reference Image Quality Assessment via Knowledge Distillation
        | (Yin et al., 2022), https://arxiv.org/abs/2202.13123
    """

    def __init__(
        self,
        backbone: Backbone,
        num_crops: int = 10,
        dim: int = 64,
        depth: int = 18,
        distorted_depth: int = 9,
        sign: Literal[1, -1] = 1,
        crop_fusion: Literal["cat", "mean"] = "cat",
        fusion: FusionName = "dpaff1",
        dropout: float = 0.0,
        norm_affine: bool = False,
        input_norm: Literal["none", "running"] = "none",
        input_dropout: float = 0.0,
        mixer_norm: bool = True,
        level_fusion: LevelFusion = "late",
        embed_dim: int | None = None,
        head_dim: int | None = None,
    ) -> None:
        super().__init__()
        check_word("net.level_fusion", level_fusion, LevelFusion)
        self.backbone = backbone
        self.num_crops, self.sign, self.crop_fusion = num_crops, sign, crop_fusion
        self.standardise = (
            Standardise(backbone.dims, input_dropout) if input_norm == "running" else None
        )
        self.level_fusion = level_fusion
        width, num_levels = embed_dim or dim, len(backbone.dims)
        self.embedding = LevelEmbedding(backbone.dims, width, norm_affine)
        if level_fusion == "early_cat":
            width, num_levels = width * num_levels, 1
        self.fusion = fusion_of(fusion, dim * num_levels)
        in_dim = width * num_crops if crop_fusion == "cat" else width

        def mixer(source: str, blocks: int) -> Mixer | None:
            if self.fusion.needs not in ("both", source):
                return None
            tokens = backbone.grid**2
            return Mixer(in_dim, dim, blocks, tokens, dropout=dropout, norm=mixer_norm)

        self.discrepancy = mixer("difference", depth)
        self.integrator = mixer("distorted", distorted_depth)
        self.dropout = nn.Dropout(dropout)
        self.head = head(self.fusion.dim, head_dim)
        for part in (self.embedding, self.discrepancy, self.integrator, self.head):
            if part is not None:
                part.apply(scaled_kaiming)

    def forward(self, image: Pyramid, second: Pyramid) -> Prediction:
        """Returns the score of ``image`` compared with ``second``, and its features."""
        crops = image[0].shape[1]
        if self.crop_fusion == "cat" and crops != self.num_crops:
            raise ValueError(
                f"The net was built for {self.num_crops} crops an image and got {crops}: with"
                " net.crop_fusion=cat its weights depend on their number. Set num_crops to"
                f" {self.num_crops}, or train with net.crop_fusion=mean."
            )
        if self.standardise is not None:
            image, second = self.standardise(image, second)
        z = self.embedding(image)
        inner = outer = None
        maps: dict[str, Tensor] = {}
        if self.discrepancy is not None:
            difference = self.sign * (z - self.embedding(second))
            maps["difference"], inner = self.read(self.discrepancy, difference)
        if self.integrator is not None:
            maps["distorted"], outer = self.read(self.integrator, z)
        present = next(iter(maps.values()))
        fused = self.fusion(maps.get("difference", present), maps.get("distorted", present))
        score = self.head(self.dropout(fused)).float().squeeze(-1)
        if self.crop_fusion == "mean":
            score, fused = (x.unflatten(0, (-1, crops)).mean(1) for x in (score, fused))
        return Prediction(score, inner, outer, fused)

    def read(self, mixer: Mixer, levels: Tensor) -> tuple[Tensor, Tensor]:
        r"""Returns a mixer's map, levels on the channels, and all its blocks' outputs.

        Args:
            mixer: Shared by the levels.
            levels: Embedded levels :math:`(L, B, P, D, T)`.

        Returns:
            The map :math:`(N, T, L D)`, N = B or B·P, and the outputs :math:`(K, L, B, T', D)`.
            Levels read at once count as one, L = 1.
        """
        if self.level_fusion == "early_cat":
            levels = levels.permute(1, 2, 0, 3, 4).flatten(2, 3).unsqueeze(0)
        count, batch = levels.shape[:2]
        x = levels.flatten(2, 3) if self.crop_fusion == "cat" else levels.flatten(1, 2)
        last, blocks = mixer(x.flatten(0, 1).transpose(1, 2))
        merged = last.unflatten(0, (count, -1)).permute(1, 2, 0, 3).flatten(2)
        # Crops scored one by one are further tokens of their image, to a distiller of features.
        stacked = torch.stack(blocks).unflatten(1, (count, batch, -1)).flatten(3, 4)
        return merged, stacked


def head(width: int, hidden: int | None) -> nn.Module:
    """Returns what scores a fused vector: one linear layer, or two with nothing between them."""
    if hidden is None:
        return nn.Linear(width, 1)
    return nn.Sequential(nn.Linear(width, hidden), nn.Linear(hidden, 1))


def scaled_kaiming(module: nn.Module) -> None:
    """Initialises a layer with a tenth of Kaiming's normal weights and no bias (official)."""
    if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_in")
        with torch.no_grad():
            module.weight.mul_(0.1)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
