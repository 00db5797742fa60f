"""The loss of a batch in which some opinions are not told."""

from __future__ import annotations

import torch

from kdiqa.training.labelled import LabelledLoss

NAN = float("nan")


def test_loss_is_the_mean_squared_error_of_the_images_whose_opinion_is_told() -> None:
    score = torch.tensor([0.1, 0.7, 0.4, 0.9], requires_grad=True)
    mos = torch.tensor([0.3, NAN, 0.9, NAN])
    loss = LabelledLoss(0.5)(score, mos)
    expected = 0.5 * (0.2**2 + 0.5**2) / 2
    torch.testing.assert_close(loss, torch.tensor(expected))
    loss.backward()
    torch.testing.assert_close(score.grad, torch.tensor([-0.1, 0.0, -0.25, 0.0]))


def test_a_batch_without_a_single_opinion_teaches_nothing() -> None:
    score = torch.rand(3, requires_grad=True)
    loss = LabelledLoss()(score, torch.full((3,), NAN))
    loss.backward()
    assert float(loss.detach()) == 0
    assert (score.grad == 0).all()
