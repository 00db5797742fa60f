"""What a teacher said of the training images, once and for all: in every training batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
from torch import Tensor

from kdiqa.batch import Batch
from kdiqa.metrics.correlation import srcc


class SoftTargets(L.Callback):
    """Adds ``soft`` to every training batch: the teacher's mean score and its deviation.

    Args:
        folder: Where tables of soft targets are kept, one a teacher and split.
        looks: How often the teacher looks at each image, at other crops each time; the target is
            the mean of what it says.
        mirrored: Shows it every second look mirrored left-right.
        crops: What it sees of an image, by configuration; None for what its run tested it on.
        kept: Reads the features that the teacher's own run kept of its training views, where it
            did (``features=cached``), in place of looking again: the targets are means over those.
    """

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
                f"A teacher that looks {looks} times says nothing. Set"
                " callbacks.soft_targets.looks to at least 1."
            )
        self.folder = Path(folder).expanduser()
        self.looks, self.mirrored, self.crops, self.kept = looks, mirrored, crops, kept
        self.digest = ""
        self.table: Tensor | None = None
        self.agreement: float | None = None

    def hold(self, table: Tensor, mos: Tensor, digest: str) -> None:
        r"""Takes the targets, in label units, :math:`(N, 2)`, by the batch's index.

        Args:
            table: NaN where there is no target.
            mos: The labels, :math:`(N,)`, NaN where there are none.
            digest: Names the teacher.
        """
        self.table, self.digest = table, digest
        known = ~(table[:, 0].isnan() | mos.isnan())
        self.agreement = srcc(table[known, 0].numpy(), mos[known].numpy())

    def on_fit_start(self, trainer: L.Trainer, module: Any) -> None:
        """Brings the targets to the student's device."""
        if self.table is None:
            raise RuntimeError("The callback holds no soft targets: hold() has not been called.")
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

    def state_dict(self) -> dict[str, Any]:
        """Returns the teacher's digest: the checkpoint names the teacher and does not hold it."""
        return {"teacher": self.digest}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Refuses to resume with another teacher."""
        if state_dict["teacher"] != self.digest:
            raise ValueError(
                f"This run began with soft targets of {state_dict['teacher']} and would resume with"
                f" those of {self.digest}. Set teacher and callbacks.soft_targets as they were, or"
                " start a new run."
            )
