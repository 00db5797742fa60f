"""The teacher's scores of the training images, computed once: in every training batch."""

from pathlib import Path
from typing import Any

import lightning as L
from torch import Tensor

from kdiqa.batch import Batch
from kdiqa.metrics.correlation import srcc
from kdiqa.systems.sskd.targets import Views, by_index, labelled
from kdiqa.training.distillation import TeacherCallback
from kdiqa.training.plan import Plan


class SoftTargets(TeacherCallback):
    """Adds ``soft`` to every training batch: the teacher's mean score and its deviation.

    Args:
        folder: Where tables of soft targets are stored, one a teacher and split.
        looks: Views that the teacher scores of each image, with other crops each time; the target
            is their mean.
        mirrored: Mirrors every second view left-right.
        crops: What it sees of an image, by configuration; None for what its run tested it on.
        kept: Reads the features that the teacher's own run cached of its training views, where it
            did (``features=cached``), in place of new views: the targets are means over those.
            They are looked for in this run's ``cache.folder``, whatever the teacher's file says.
    """

    settings = "teacher and callbacks.soft_targets as they were"
    takes_scores = True  # of a table, or of several teachers

    def __init__(
        self,
        folder: str | Path,
        looks: int = 1,
        mirrored: bool = False,
        crops: Any = None,
        kept: bool = False,
    ) -> None:
        if looks < 1:
            raise ValueError(
                f"A teacher of {looks} views scores nothing. Set callbacks.soft_targets.looks to at"
                " least 1."
            )
        self.folder = Path(folder).expanduser()
        self.views, self.kept = Views(looks, mirrored, crops), kept
        self.table: Tensor | None = None
        self.agreement: float | None = None

    def prepare(self, plan: Plan) -> None:
        """Reads the targets, and has the run's teacher score the images that lack one."""
        nodes = plan.cfg.callbacks.values()
        (node,) = [node for node in nodes if plan.target_of(node) is type(self)]
        table, digest = labelled(plan, self.folder, self.views, self.kept, node)
        self.hold(*by_index(table, plan.data), digest)

    def hold(self, table: Tensor, mos: Tensor, digest: str) -> None:
        r"""Takes a teacher's targets in label units, :math:`(N, 2)`, and the labels, :math:`(N,)`.

        Both by the batch's index, NaN where there is none.
        """
        self.table, self.digest = table, digest
        known = ~(table[:, 0].isnan() | mos.isnan())
        self.agreement = srcc(table[known, 0].numpy(), mos[known].numpy())

    def on_fit_start(self, trainer: L.Trainer, module: Any) -> None:
        """Brings the targets to the student's device."""
        if self.table is None:
            raise RuntimeError("The callback holds no soft targets: call prepare() or hold().")
        self.table = self.table.to(module.device)

    def on_train_batch_start(
        self, trainer: L.Trainer, module: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Adds the batch's targets."""
        assert self.table is not None
        batch["soft"] = self.table[batch["index"]]

    def on_validation_epoch_end(self, trainer: L.Trainer, module: Any) -> None:
        """Logs how the targets order the labelled training images: is there anything to learn?"""
        if self.agreement is not None:
            module.log("teacher/train_srcc", self.agreement, rank_zero_only=False)
