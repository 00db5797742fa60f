"""What every training step shares: features once a step, rows of predictions, one optimizer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import lightning as L
import numpy as np
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from kdiqa.batch import Batch, Prediction, Pyramid
from kdiqa.metrics.correlation import summarize
from kdiqa.metrics.table import Rows, gather
from kdiqa.models.bank import ReferenceBank

Row = tuple[Tensor, Tensor, Tensor]


class IQAModule(L.LightningModule):
    """A net that scores images, and the table of its predictions.

    Args:
        net: Has a ``backbone`` and maps two pyramids to a prediction.
        loss: Of scores and labels.
        optimizer: Builds the optimizer from parameter groups.
        scheduler: Builds the learning-rate schedule, stepped once an epoch; none by default.
        pair: The batch's keys of the image and of what it is compared with; the same key twice
            compares an image with itself, so that every difference is zero.
        backbone_lr: Learning rate of a backbone that is not frozen.
    """

    role: ClassVar[str] = "student"  # or teacher
    distils_by: ClassVar[tuple[str, ...]] = ("distiller",)  # arguments that need a teacher
    soft_labels: ClassVar[str | None] = None  # of those, the one that learns its scores as labels
    net: Any  # whatever has a backbone and maps two pyramids to a prediction

    def __init__(
        self,
        net: nn.Module,
        loss: nn.Module,
        optimizer: Callable[[Iterable[Any]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        pair: Sequence[str] = ("image", "second"),
        backbone_lr: float = 1e-4,
    ) -> None:
        super().__init__()
        self.net, self.loss = net, loss
        self.optimizer, self.scheduler = optimizer, scheduler
        self.pair, self.backbone_lr = tuple(pair), backbone_lr
        self.bank: ReferenceBank | None = None  # read by the first evaluation
        self.predictions: list[Row] = []
        self.rows: dict[str, Rows] = {}
        self.metrics: dict[str, dict[str, float]] = {}

    def extract(
        self, batch: Batch, also: Iterable[str] = (), pair: Sequence[str] | None = None
    ) -> dict[str, Pyramid]:
        """Returns the batch's pyramids, from one pass of the backbone where it holds none yet.

        Args:
            batch: Gets the key ``pyramids``; crops or cached features in it are enough.
            also: Keys of images the teacher wants besides the student's.
            pair: Keys of the student's own, where not both are wanted.
        """
        keys = sorted({*(self.pair if pair is None else pair), *also})
        held = batch.get("pyramids", batch)
        missing = [key for key in keys if key not in held]
        if missing:
            raise RuntimeError(
                f"The batch holds no '{missing[0]}' image, only"
                f" {sorted(k for k in held if k not in ('mos', 'index', 'teacher'))}. Give"
                f" data.pairs.{missing[0]} a pairing (second=redistorted or second=reference), or"
                " compare the image with itself (second=none)."
            )
        if "pyramids" not in batch:
            pyramids = self.net.backbone([batch[key] for key in keys])
            batch["pyramids"] = dict(zip(keys, pyramids, strict=True))
        return batch["pyramids"]

    def forward(self, batch: Batch) -> Prediction:
        """Returns the net's prediction for a batch."""
        pyramids = self.extract(batch)
        return self.net(*(pyramids[key] for key in self.pair))

    def log_terms(
        self, terms: Mapping[str, Tensor], watched: Mapping[str, Tensor], batch_size: int
    ) -> Tensor:
        """Returns the sum of the terms, and logs it, them, and what is only watched."""
        total = torch.stack([term.float() for term in terms.values()]).sum()
        named = {f"train/loss_{name}": term for name, term in terms.items()}
        named |= {f"train/{name}": value for name, value in watched.items()}
        epoch: dict[str, Any] = {"on_step": False, "on_epoch": True, "sync_dist": True}
        self.log("train/loss", total, prog_bar=True, batch_size=batch_size, **epoch)
        self.log_dict(named, batch_size=batch_size, **epoch)
        return total

    def on_train_epoch_start(self) -> None:
        """Logs the learning rates."""
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        for group in optimizer.param_groups:
            self.log(f"optim/lr-{group['name']}", group["lr"])

    def on_validation_start(self) -> None:
        """Runs the backbone over a bank of references: once, unless it is being trained."""
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        references = data.references()
        if references is not None and (self.bank is None or not self.net.backbone.frozen):
            self.bank = ReferenceBank.of(self.net.backbone, references, self.pair)

    on_test_start = on_validation_start

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Scores a batch, one row an image, of the validation split or the test split.

        What is reported is scored image by image: kernels round a batch of another size
        otherwise in the last bits, and a table would depend on the batch size and on how many
        processes shared the images. While training goes on, whole batches are scored.
        """
        training = self.trainer.state.fn == TrainerFn.FITTING
        for part in [batch] if training else single_images(batch):
            self.predictions.append((part["index"], self.scores(part), part["mos"]))

    test_step = validation_step

    def scores(self, batch: Batch) -> Tensor:
        """Returns the scores of a batch, float32; with a bank, their means over its references."""
        if self.bank is None:
            return self(batch).score.float()
        return self.bank.score(self.net, self.extract(batch, pair=["image"])["image"])

    def on_validation_epoch_end(self) -> None:
        """Logs the metrics of the whole validation table."""
        self.evaluate("val")

    def on_test_epoch_end(self) -> None:
        """Logs the metrics of the whole test table."""
        self.evaluate("test")

    def evaluate(self, stage: str) -> None:
        """Gathers the rows of all ranks, one an image, and logs their metrics."""
        index, score, mos = (torch.cat(column) for column in zip(*self.predictions, strict=True))
        self.predictions.clear()
        # Whatever scale was learnt: what is reported stands in [0, 1] on every data set.
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        unit = data.label.to_unit
        rows = gather(index, unit(score), unit(mos))
        # The label file's own labels, which a batch holds rounded to float32.
        labels = np.array([data.records[i].mos for i in rows.index], np.float64)
        self.rows[stage] = replace(rows, mos=labels)
        self.metrics[stage] = summarize(rows.score, labels)
        # Equal on every rank, as all saw the gathered table: nothing to reduce.
        # Named by the images they are of: those that select may be the test images.
        split = data.select_on if stage == "val" else stage
        for name, value in self.metrics[stage].items():
            shown = stage == "val" and name in ("srcc", "plcc")
            self.log(f"{split}/{name}", value, prog_bar=shown, rank_zero_only=False)

    def backward(self, loss: Tensor, *unused: Any, **options: Any) -> None:
        """Weighs a batch by its images where several are one step: all images count alike.

        Lightning divides every loss by the number of batches of a whole step. An epoch's last step
        may have fewer, and its last batch fewer images.
        """
        trainer = self.trainer
        number = trainer.accumulate_grad_batches
        if number > 1:
            sizes = batch_sizes(trainer.train_dataloader, int(trainer.num_training_batches))
            loss = loss * weight_in_step(sizes, trainer.fit_loop.batch_idx, number)
        super().backward(loss, *unused, **options)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Returns the trainable parameters as named groups."""
        pretrained = [self.net.backbone, getattr(self.net, "tail", None) or nn.Identity()]
        known = {id(p) for part in pretrained for p in part.parameters()}
        backbone = [p for part in pretrained for p in part.parameters() if p.requires_grad]
        head = [p for p in self.parameters() if p.requires_grad and id(p) not in known]
        groups: list[dict[str, Any]] = [{"name": "head", "params": head}]
        if backbone:
            groups.append({"name": "backbone", "params": backbone, "lr": self.backbone_lr})
        return groups

    def configure_optimizers(self) -> Any:
        """Returns the optimizer, and its schedule by epochs."""
        optimizer = self.optimizer(self.parameter_groups())
        if self.scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}


def batch_sizes(loader: Any, count: int) -> list[int]:
    """Returns how many images each of an epoch's batches has.

    Args:
        loader: Gives them, on this rank.
        count: Of the batches that are trained on.
    """
    left = [len(loader.sampler) - start * loader.batch_size for start in range(count)]
    return [min(images, loader.batch_size) for images in left]


def weight_in_step(sizes: Sequence[int], index: int, number: int) -> float:
    """Returns the weight of a batch's mean loss in a step of several batches.

    Args:
        sizes: Images of each batch of an epoch.
        index: Of the batch.
        number: Of the batches of a whole step, by which its loss is divided.

    Example:
        >>> [weight_in_step([4, 4, 4, 4, 1], index, 2) for index in (0, 3, 4)]
        [1.0, 1.0, 2.0]
    """
    first = index - index % number
    return number * sizes[index] / sum(sizes[first : first + number])


def single_images(batch: Batch) -> Iterator[Batch]:
    """Yields the images of a batch, crops or cached features, as batches of one."""
    pyramids: dict[str, Pyramid] = batch.get("pyramids", {})
    tensors = {name: value for name, value in batch.items() if isinstance(value, Tensor)}
    for index in torch.arange(len(batch["index"])).split(1):
        one: Batch = {name: value[index] for name, value in tensors.items()}
        if pyramids:
            one["pyramids"] = {
                name: [level[index] for level in pyramid] for name, pyramid in pyramids.items()
            }
        yield one
