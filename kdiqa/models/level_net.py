"""A no-reference net that scores an image from its levels side by side."""

from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from kdiqa.batch import Prediction, Pyramid
from kdiqa.models.backbone import Backbone
from kdiqa.models.standardise import Standardise


class LevelNet(nn.Module):
    r"""Scores an image from its pooled levels, through two hidden layers.

    .. math:: q = w^\top f_2(f_1([z_1; \dots; z_L])) + b, \quad f_i(x) = \mathrm{GELU}(W_i x + b_i)

    Crops are scored one by one, and their mean is the image's score.

    Args:
        backbone: The pyramid; with ``grid=1`` the net reads images of any size alike.
        hidden: Width of the hidden layers.
        dropout: Before each hidden layer.
        input_norm: ``running`` standardises each channel by the training images seen so far;
            ``none`` leaves it as it is.
    """

    def __init__(
        self,
        backbone: Backbone,
        hidden: int = 64,
        dropout: float = 0.0,
        input_norm: Literal["none", "running"] = "running",
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.standardise = Standardise(backbone.dims) if input_norm == "running" else None
        self.first = nn.Linear(sum(backbone.dims) * backbone.grid**2, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, 1)

    def forward(self, image: Pyramid) -> Prediction:
        """Returns the score of ``image``."""
        if self.standardise is not None:
            image, _ = self.standardise(image, image)
        z = torch.cat([level.flatten(2) for level in image], dim=-1)
        z = F.gelu(self.first(self.dropout(z)))
        z = F.gelu(self.second(self.dropout(z)))
        score = self.head(z).float().squeeze(-1).mean(dim=1)
        return Prediction(score, None, None, z.mean(dim=1))
