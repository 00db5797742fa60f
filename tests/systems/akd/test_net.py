"""The AKD net: its size, its shapes, its variants."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from kdiqa.models.backbone import Backbone
from kdiqa.models.levels import Levels
from kdiqa.systems.akd.integrator import FusionName
from kdiqa.systems.akd.net import AKDNet


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return Backbone("test_efficientnet", "random")


@pytest.fixture(scope="module")
def swin() -> Backbone:
    return Backbone("swin_tiny_patch4_window7_224", "random", pyramid=Levels(taps="post_merge"))


def trainable(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def pyramids(dims: list[int], crops: int = 3, batch: int = 2) -> list[list[Tensor]]:
    return [[torch.randn(batch, crops, d, 7, 7) for d in dims] for _ in range(2)]


def test_student_has_the_official_number_of_parameters(swin: Backbone) -> None:
    net = AKDNet(swin, num_crops=10)
    assert trainable(net) == 1_840_368
    assert net.discrepancy is not None
    assert net.integrator is not None
    assert trainable(net.discrepancy) == 991_498
    assert trainable(net.integrator) == 516_325


def test_teacher_has_the_official_number_of_parameters(swin: Backbone) -> None:
    assert trainable(AKDNet(swin, num_crops=10, depth=36, distorted_depth=18)) == 3_265_887


def test_prediction_has_the_shapes_it_promises(swin: Backbone) -> None:
    prediction = AKDNet(swin, num_crops=3)(*pyramids(swin.dims))
    assert prediction.score.shape == (2,)
    assert prediction.difference is not None
    assert prediction.distorted is not None
    assert prediction.difference.shape == (18, 4, 2, 49, 64)
    assert prediction.distorted.shape == (9, 4, 2, 49, 64)
    assert prediction.fused.shape == (2, 256)


@pytest.mark.parametrize("crop_fusion", ["cat", "mean"])
@pytest.mark.parametrize("fusion", get_args(FusionName))
def test_every_parameter_of_every_variant_gets_a_gradient(
    backbone: Backbone, fusion: str, crop_fusion: str
) -> None:
    net = AKDNet(
        backbone, 3, depth=2, distorted_depth=1, fusion=fusion,
        crop_fusion=crop_fusion, norm_affine=True,
    )  # fmt: skip
    prediction = net(*pyramids(backbone.dims))
    prediction.score.square().sum().backward()
    assert prediction.score.shape == (2,)
    for name, parameter in net.named_parameters():
        # A bias of the embedding cancels in the difference, where that is all there is.
        cancels = fusion == "none_lq" and (
            ("projections" in name and "bias" in name) or "shifts" in name
        )
        if parameter.requires_grad and not cancels:
            assert parameter.grad is not None, name
            assert parameter.grad.any(), name


def test_stacked_levels_equal_the_plain_loop(backbone: Backbone) -> None:
    net = AKDNet(backbone, 3, depth=2, distorted_depth=1)
    image, second = pyramids(backbone.dims)
    prediction = net(image, second)
    assert net.discrepancy is not None
    assert prediction.difference is not None
    for level, (x, y, projection) in enumerate(
        zip(image, second, net.embedding.projections, strict=True)
    ):
        z = [projection(side.permute(0, 1, 3, 4, 2)).permute(0, 1, 4, 2, 3) for side in (x, y)]
        d = (z[0] - z[1]).reshape(2, 3 * 64, 49).transpose(1, 2)  # crops on the channels
        _, blocks = net.discrepancy(d)
        torch.testing.assert_close(prediction.difference[:, level], torch.stack(blocks))


def test_image_compared_with_itself_differs_nowhere(backbone: Backbone) -> None:
    net = AKDNet(backbone, 3, depth=1, distorted_depth=1)
    image, _ = pyramids(backbone.dims)
    z = net.embedding(image)
    assert not (net.sign * (z - net.embedding(image))).any()
    assert net(image, image).score.isfinite().all()


def test_sign_turns_the_difference(backbone: Backbone) -> None:
    torch.manual_seed(0)
    ours = AKDNet(backbone, 3, depth=1, distorted_depth=1, fusion="none_lq")
    turned = AKDNet(backbone, 3, depth=1, distorted_depth=1, sign=-1, fusion="none_lq")
    turned.load_state_dict(ours.state_dict())
    image, second = pyramids(backbone.dims)
    torch.testing.assert_close(ours(image, second).score, turned(second, image).score)


def test_mean_of_crops_does_not_depend_on_their_number_or_order(backbone: Backbone) -> None:
    net = AKDNet(backbone, 3, depth=1, distorted_depth=1, crop_fusion="mean")
    image, second = pyramids(backbone.dims, crops=5)
    order = torch.tensor([4, 2, 0, 1, 3])
    shuffled = net([x[:, order] for x in image], [x[:, order] for x in second])
    torch.testing.assert_close(net(image, second).score, shuffled.score)


def test_another_number_of_crops_is_explained(backbone: Backbone) -> None:
    net = AKDNet(backbone, 3, depth=1, distorted_depth=1)
    message = (
        r"^The net was built for 3 crops an image and got 5: with net\.crop_fusion=cat its weights"
        r" depend on their number\. Set num_crops to 3, or train with net\.crop_fusion=mean\.$"
    )
    with pytest.raises(ValueError, match=message):
        net(*pyramids(backbone.dims, crops=5))
