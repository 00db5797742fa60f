r"""Just-noticeable differences: how far a pixel may change before an eye sees it.

All in grey levels of [0, 255]. Formulas as they are commonly given; what follows them in code here
(the rounding of borders, one threshold for all three colours) is our interpretation.

References:
    | A perceptually tuned subband image coder based on the measure of just-noticeable-distortion
      profile (Chou & Li, 1995): luminance adaptation and texture masking
    | Just noticeable distortion model and its applications in video coding (Yang et al., 2005): the
      nonlinear additivity of both (NAMM)
"""

import torch
from torch import Tensor
from torch.nn import functional as F

OVERLAP = 0.3  # C of NAMM: the share of the smaller effect that the larger one covers

# fmt: off
# Weights of the surroundings' luminance, their sum 32; the pixel itself is left out.
SURROUNDINGS = (
    (1, 1, 1, 1, 1), (1, 2, 2, 2, 1), (1, 2, 0, 2, 1), (1, 2, 2, 2, 1), (1, 1, 1, 1, 1),
)
# Gradients across a horizontal edge and a diagonal one, their positive weights' sum 16; the other
# two are these, turned by a quarter.
GRADIENTS = (
    ((0, 0, 0, 0, 0), (1, 3, 8, 3, 1), (0, 0, 0, 0, 0), (-1, -3, -8, -3, -1), (0, 0, 0, 0, 0)),
    ((0, 0, 1, 0, 0), (0, 8, 3, 0, 0), (1, 3, 0, -3, -1), (0, 0, -3, -8, 0), (0, 0, -1, 0, 0)),
)
# fmt: on


def luminance(rgb: Tensor) -> Tensor:
    r"""Returns Y of RGB images :math:`(N, 3, H, W)` in [0, 255], :math:`(N, 1, H, W)` (BT.601)."""
    weights = rgb.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (rgb * weights).sum(dim=1, keepdim=True)


def luminance_adaptation(background: Tensor) -> Tensor:
    r"""Returns the threshold on an even background of luminance B.

    .. math::
        17 (1 - \sqrt{B / 127}) + 3 \;\; (B \le 127), \qquad \tfrac{3}{128} (B - 127) + 3 \;\; (B > 127)

    Example:
        >>> luminance_adaptation(torch.tensor([0.0, 127.0, 255.0]))
        tensor([20.,  3.,  6.])
    """
    dark = 17 * (1 - (background / 127).clamp(min=0).sqrt()) + 3
    return torch.where(background <= 127, dark, 3 / 128 * (background - 127) + 3)


def contrast_masking(background: Tensor, gradient: Tensor) -> Tensor:
    r"""Returns the threshold at an edge: :math:`(0.0001 B + 0.115)\, G`."""
    return (1e-4 * background + 0.115) * gradient


def just_noticeable(luminance: Tensor) -> Tensor:
    r"""Returns the just-noticeable difference of each pixel, by NAMM.

    .. math:: \mathrm{LA} + \mathrm{CM} - 0.3 \min(\mathrm{LA}, \mathrm{CM})

    with B the weighted mean of the 5×5 surroundings and G the largest of four gradients; at the
    borders, the outermost pixels go on. The luminance is in [0, 255], :math:`(N, 1, H, W)`.

    Example:
        >>> just_noticeable(torch.full((1, 1, 2, 2), 127.0)).flatten()
        tensor([3., 3., 3., 3.])
    """
    level = luminance.new_tensor(SURROUNDINGS)[None] / 32
    across = luminance.new_tensor(GRADIENTS) / 16
    kernels = torch.cat([level, across, across.rot90(dims=(1, 2))])[:, None]
    maps = F.conv2d(F.pad(luminance, (2, 2, 2, 2), mode="replicate"), kernels)
    background, gradient = maps[:, :1], maps[:, 1:].abs().amax(dim=1, keepdim=True)
    light, edge = luminance_adaptation(background), contrast_masking(background, gradient)
    return light + edge - OVERLAP * torch.minimum(light, edge)
