"""Our step computes what the published arrangement computes: the benchmark compares like with like."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.published import distilled, predicted, training_step
from kdiqa.models.backbone import Backbone, Passes
from kdiqa.models.levels import Levels
from kdiqa.systems.akd.distiller import LevelDistiller
from kdiqa.systems.akd.net import AKDNet
from kdiqa.systems.akd.weighting import SoftmaxWeighting

CROPS = 2
SMALL = {"depth": 3, "distorted_depth": 2}


def nets() -> tuple[AKDNet, AKDNet]:
    torch.manual_seed(0)
    backbone = Backbone(
        "swin_tiny_patch4_window7_224",
        "random",
        pyramid=Levels(taps="post_merge"),
        passes=Passes(chunk=3),
    )
    teacher = AKDNet(backbone, CROPS, depth=5, distorted_depth=3)
    return AKDNet(backbone, CROPS, **SMALL), teacher.requires_grad_(False)


def batch() -> dict[str, Tensor]:
    shape = (2, CROPS, 3, 224, 224)
    image, second = torch.randint(0, 256, (2, *shape), dtype=torch.uint8)
    return {"image": image, "second": second, "mos": torch.tensor([0.2, 0.7])}


def test_one_pass_and_stacked_mixers_give_the_published_losses_and_gradients() -> None:
    student, teacher = nets()
    given = batch()
    pair = given["image"], given["second"]

    pyramids = student.backbone(pair)
    ours, theirs = student(*pyramids), teacher(*pyramids)
    distiller = LevelDistiller(SoftmaxWeighting([3.0, 3.0, 0.8, 0.8]), "squared")
    made = distiller(ours, theirs, given["mos"])
    loss = F.smooth_l1_loss(ours.score, given["mos"]) + made.terms["level"]
    loss.backward()
    gradients = {name: p.grad for name, p in student.named_parameters() if p.requires_grad}
    student.zero_grad()

    _, last = predicted(teacher, teacher.backbone, *pair)
    score, blocks = predicted(student, student.backbone, *pair)
    weights = torch.tensor([3.0, 3.0, 0.8, 0.8]).softmax(0)
    plain = F.smooth_l1_loss(score, given["mos"]) + distilled(blocks, last, weights)
    plain.backward()

    torch.testing.assert_close(ours.score, score, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(loss, plain, rtol=1e-4, atol=1e-6)
    for name, p in student.named_parameters():
        if p.requires_grad:
            torch.testing.assert_close(gradients[name], p.grad, rtol=1e-3, atol=1e-4)


def test_the_published_step_trains() -> None:
    student, teacher = nets()
    logits = nn.Parameter(torch.zeros(4))
    trained = [p for p in student.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam([*trained, logits], lr=1e-3)
    given = batch()
    losses = [
        training_step(student, teacher, student.backbone, logits, optimizer, given)
        for _ in range(3)
    ]
    assert losses[-1] < losses[0]
