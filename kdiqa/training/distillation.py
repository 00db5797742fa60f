"""Where the frozen teacher lives: outside the module tree, the optimizer and the checkpoint."""

from collections.abc import Callable, Sequence
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from kdiqa.batch import Batch, Prediction, restored
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.metrics.correlation import srcc
from kdiqa.metrics.table import Rows, gather
from kdiqa.models.digest import digest
from kdiqa.training.plan import Plan


class TeacherCallback(L.Callback):
    """Whatever asks a teacher: a checkpoint names it by its digest and does not hold it.

    Attributes:
        settings: What to set where a run would be resumed with another teacher.
    """

    needs_teacher = True
    settings: str
    digest = ""

    def state_dict(self) -> dict[str, Any]:
        """Returns the teacher's digest."""
        return {"teacher": self.digest}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Refuses to resume with another teacher."""
        before = state_dict["teacher"]
        if before != self.digest:
            raise ValueError(
                f"This run began with teacher {before} and would resume with {self.digest}. Set"
                f" {self.settings}, or start a new run."
            )


class Distillation(TeacherCallback):
    """Owns the teacher and adds its prediction to every training batch.

    Where the teacher's frozen backbone holds the student's weights, one pass serves both.

    Args:
        teacher: A net, trained; or what makes one of the run's teacher checkpoint. It is frozen.
        schedule: The weight of the distillation terms at a global step.
        pair: The batch's keys the teacher is shown: ``[image, second]`` with a re-distorted
            second (official), ``[second, image]`` with the roles swapped, or ``[image, reference]``.
    """

    settings = "teacher to the first one's run folder"

    def __init__(
        self,
        teacher: nn.Module | Callable[[Checkpoint | None], nn.Module],
        schedule: Callable[[int], float],
        pair: Sequence[str] = ("image", "second"),
    ) -> None:
        self.teacher: Any = teacher
        self.schedule, self.pair = schedule, tuple(pair)
        self.shared = False
        self.scores: list[tuple[Tensor, Tensor]] = []
        self.predictions: list[tuple[Tensor, Tensor, Tensor]] = []
        self.teacher_rows: Rows | None = None
        if isinstance(teacher, nn.Module):
            self._freeze()

    def prepare(self, plan: Plan) -> None:
        """Takes the net of the run's teacher, and caches its predictions where features are.

        Where the student's backbone is the teacher's, that need not run in every epoch.
        """
        teacher: Any = self.teacher
        if not isinstance(teacher, nn.Module):
            self.teacher = teacher(plan.teacher)
            self._freeze()
        cached = plan.data.cached.get("train")
        if cached is None or not plan.cfg.cache.teacher:
            return
        same = self.teacher.backbone.digest() == plan.module.net.backbone.digest()
        if same and set(self.pair) <= set(cached.names):
            # Two nets of the same weights may still differ, in a sign for instance.
            net = plan.teacher.description["net"] if plan.teacher else ""
            cached.add_predictions(self.teacher, self.pair, self.digest + net)

    def _freeze(self) -> None:
        self.teacher.requires_grad_(False).eval()
        self.digest = digest(self.teacher.state_dict())

    def setup(self, trainer: L.Trainer, module: Any, stage: str) -> None:
        """Lets the teacher use the student's backbone where it is the same and frozen."""
        ours, theirs = module.net.backbone, self.teacher.backbone
        both_frozen = ours.frozen and theirs.frozen
        self.shared = bool(both_frozen and ours.digest() == theirs.digest())
        if self.shared:
            self.teacher.backbone = ours

    def on_fit_start(self, trainer: L.Trainer, module: Any) -> None:
        """Brings the teacher to the student's device."""
        self.teacher.to(module.device)

    def on_train_batch_start(
        self, trainer: L.Trainer, module: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Sets the weight of this step and asks the teacher."""
        module.distill_weight.fill_(self.schedule(trainer.global_step))
        with torch.no_grad(), trainer.precision_plugin.forward_context():
            batch["teacher"] = self.ask(module, batch)

    def ask(self, module: Any, batch: Batch) -> Prediction:
        """Returns the teacher's prediction of a batch, from the student's pyramids where it can."""
        if "cached_prediction" in batch:
            return restored(batch["cached_prediction"])
        if self.shared:
            pyramids = module.extract(batch, self.pair)
            return self.teacher(*(pyramids[key] for key in self.pair))
        if any(key not in batch for key in self.pair):
            raise RuntimeError(
                "The teacher's backbone is not the student's, and the batch holds cached features of"
                " the student's alone. Give both the same frozen backbone, or set features=online."
            )
        return self.teacher(*self.teacher.backbone([batch[key] for key in self.pair]))

    def on_train_batch_end(
        self, trainer: L.Trainer, module: Any, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Keeps both scores, to compare them at the epoch's end."""
        self.scores.append((outputs["score"], batch["teacher"].score))

    def on_train_epoch_end(self, trainer: L.Trainer, module: Any) -> None:
        """Logs how far the student orders its training images as the teacher does."""
        columns = zip(*self.scores, strict=True)
        student, teacher = (torch.cat(column).float().cpu().numpy() for column in columns)
        self.scores.clear()
        module.log("kd/agreement_srcc", srcc(student, teacher), sync_dist=True)

    def on_validation_batch_end(
        self, trainer: L.Trainer, module: Any, outputs: Any, batch: Batch, *rest: int
    ) -> None:
        """Has the teacher score the validation images once, where it can see its pair there."""
        held = batch.get("pyramids", batch)
        if self.teacher_rows is None and all(key in held for key in self.pair):
            with trainer.precision_plugin.forward_context():
                score = self.ask(module, batch).score.float()
            self.predictions.append((batch["index"], score, batch["mos"]))

    def on_validation_epoch_end(self, trainer: L.Trainer, module: Any) -> None:
        """Logs the teacher's own SRCC with the labels, once: is there anything to learn?"""
        if self.predictions:
            columns = zip(*self.predictions, strict=True)
            self.teacher_rows = gather(*(torch.cat(column) for column in columns))
            self.predictions.clear()
            agreement = srcc(self.teacher_rows.score, self.teacher_rows.mos)
            module.log("teacher/val_srcc", agreement, rank_zero_only=False)
