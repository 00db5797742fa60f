"""Classes as a user writes them: subclasses of ours, in a package of the user's own."""

from __future__ import annotations

from kdiqa.models.pooled import BinHead
from kdiqa.systems.akd.net import AKDNet
from kdiqa.systems.sskd.module import SoftTargetModule
from kdiqa.training.losses import LabelledLoss


class OwnLoss(LabelledLoss):
    """Leaves out images without a label, as its parent does."""


class OwnHead(BinHead):
    """Has bins, as its parent has."""


class OwnModule(SoftTargetModule):
    """Learns the teacher's scores as labels, as its parent does."""


def build() -> OwnLoss:
    """Returns a loss; a configuration may not call it."""
    return OwnLoss()


class OwnNet(AKDNet):
    """A net of one's own, a teacher's or a student's."""
