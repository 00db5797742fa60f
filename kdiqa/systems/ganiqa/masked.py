"""A backbone with a level of visual masking."""

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from kdiqa.distortions.jnd import just_noticeable, luminance
from kdiqa.models.backbone import Backbone
from kdiqa.models.digest import digest


class MaskedBackbone(Backbone):
    r"""A backbone with one level more: each cell's mean just-noticeable difference, in grey levels."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.dims = [*self.dims, 1]

    def pooled(self, crops: Tensor) -> list[Tensor]:
        r"""Returns the levels of crops, and the just-noticeable difference :math:`(N, 1, G, G)`."""
        threshold = F.adaptive_avg_pool2d(just_noticeable(luminance(crops.float())), self.grid)
        return [*super().pooled(crops), threshold]

    def digest(self) -> str:
        """Returns 12 hex digits that name these weights and this way of reading them."""
        return digest({}, f"{super().digest()} just noticeable")
