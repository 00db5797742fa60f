"""Stage 0 of SSKD: a teacher scores the training images, once and for all, into a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.instantiate import instantiate
from kdiqa.data.cache.predictions import pyramids_of
from kdiqa.data.images.read import read_rgb
from kdiqa.data.record import Record
from kdiqa.data.scale import Label
from kdiqa.models.digest import digest
from kdiqa.runtime.devices import auto_device, one_thread
from kdiqa.scorer import scorer as scorers
from kdiqa.scorer.scorer import Scorer
from kdiqa.systems.sskd.callback import SoftTargets
from kdiqa.systems.sskd.table import Target, TargetTable
from kdiqa.training.features import keep_features, keeps_features

BATCH = 16  # images after which the table is written
console = Console()


def learns_softly(cfg: DictConfig) -> bool:
    """Returns whether a run's module learns soft targets."""
    return cfg.module.get("soft") is not None


def check_labels(cfg: DictConfig, data: Any) -> None:
    """Raises where what is learnt does not fit the labels."""
    head = cfg.module.net.get("head")
    if head is not None and head._target_.endswith("BinHead") and data.label.scale != "unit":
        raise ValueError(
            "The student's bins lie in [0, 1] (net=pooled_bins), and its labels do not"
            f" (data.label_scale={data.label.scale}). Set data.label_scale=unit."
        )
    if data.unlabelled is not None and not learns_softly(cfg):
        raise ValueError(
            "Images without labels (data.unlabelled) teach nothing here: this run has no soft"
            " targets. Set unlabelled=null, or distiller=soft_score with module=soft_target."
        )


def check_split(teacher: Checkpoint, data: Any, path: Any) -> None:
    """Raises unless a teacher has learnt from this run's split (METHODS 4.4).

    Its word on an image that it has been trained on is worth more than on one of its test part,
    and the other way round its word would carry labels of this run's test part.
    """
    theirs = teacher.description["data"].get("digest", "")
    if theirs != data.digest:
        raise ValueError(
            f"The teacher in '{path}' has learnt from another split ({theirs[:12] or 'unknown'})"
            f" than this run has ({data.digest[:12]}), and its soft targets could carry labels of"
            " the test part.\nTrain one on this split with teacher=train, or set split,"
            " data.stored_split, data.guard and data.root as it had them."
        )


def teach(cfg: DictConfig, data: Any, callbacks: Sequence[Any]) -> None:
    """Gives the callback its soft targets, computed here where they are missing.

    Args:
        cfg: Names the teacher.
        data: Ready; its training images are scored, and those without labels beside them.
        callbacks: Of the run.
    """
    for callback in callbacks:
        if isinstance(callback, SoftTargets):
            scorer = scorers.load(cfg.teacher, auto_device(), seed_by="name")
            if callback.crops is not None:
                scorer.views.crops = callback.crops
            node: Any = OmegaConf.to_container(cfg.callbacks.soft_targets, resolve=True)
            asked = str([node[key] for key in ("looks", "mirrored", "crops", "kept")])
            name = digest({}, f"{scorer.digest} {asked}")
            table = TargetTable(callback.folder / f"{name}-{data.digest[:12]}.csv")
            if callback.kept and any(record not in table for record in trained(data)):
                table.append(kept_targets(cfg.teacher, data))
            fill(table, taught(data), scorer, callback, data.num_workers)
            hold(callback, table, data, name)


def trained(data: Any) -> list[Record]:
    """Returns the images that are trained on and have labels."""
    return [data.records[place] for place in data.positions("train")]


def taught(data: Any) -> list[Record]:
    """Returns the images that are trained on, with labels and without."""
    return list(data.dataset("train").records)


def kept_targets(path: Any, data: Any) -> list[tuple[Record, Target]]:
    """Returns what a teacher says of the features that its own run kept of its training images.

    Args:
        path: Its run.
        data: This run's, of the same split.

    Raises:
        ValueError: If its run kept none.
    """
    checkpoint = Checkpoint.read(path)
    cfg: Any = checkpoint.config
    if not keeps_features(cfg):
        raise ValueError(
            f"The teacher in '{path}' kept no features (features=online). Set"
            " callbacks.soft_targets.kept=false, and it looks at the images again."
        )
    cfg.data.root, cfg.data.num_workers = str(data.root), data.num_workers
    theirs = instantiate(cfg.data)
    theirs.setup()
    theirs.check_leaks()
    net: Any = checkpoint.net()
    keep_features(cfg, theirs, SimpleNamespace(net=net), [])
    made, label = theirs.kept["train"], Label(**checkpoint.label)
    views = made.rows.shape[0]
    targets = []
    for place, record in enumerate(track(trained(data), "Soft targets", console=console)):
        samples = [made[view * len(made) + place] for view in range(views)]
        with torch.inference_mode():
            said = net(*pyramids_of(samples, checkpoint.description["pair"])).score.double()
        scores = label.to_unit(said).clamp(0, 1).numpy()
        targets.append((record, Target(float(scores.mean()), float(scores.std()))))
    return targets


def fill(
    table: TargetTable, records: Sequence[Record], scorer: Scorer, how: SoftTargets, workers: int
) -> None:
    """Adds the targets that a table lacks, with a progress bar; an interruption loses none."""
    missing = [record for record in records if record not in table]
    asked = iter(asking(missing, scorer, how, workers)) if missing else iter(())
    new: list[tuple[Record, Target]] = []
    for record in track(missing, "Soft targets", console=console, disable=not missing):
        scores = next(asked)
        new.append((record, Target(float(np.mean(scores)), float(np.std(scores)))))
        if len(new) == BATCH:
            table.append(new)
            new = []
    if new:
        table.append(new)
    table.finish()


def asking(
    records: Sequence[Record], scorer: Scorer, how: SoftTargets, workers: int
) -> Iterator[list[float]]:
    """Yields the scores of each image's looks; on a CPU each worker scores what it reads."""
    looks = Looks(records, scorer, how.looks, how.mirrored, workers > 0 and auto_device() == "cpu")
    for seen in DataLoader(looks, batch_size=None, num_workers=workers, worker_init_fn=one_thread):
        yield seen if isinstance(seen, list) else scorer.predict(seen).tolist()


class Looks(Dataset[Any]):
    """The looks of a teacher at images: crops, stacked, or already their scores.

    Args:
        records: The images.
        scorer: The teacher; the first look is that of its own evaluation.
        num: Looks at each image.
        mirrored: Mirrors every second one.
        whole: Scores them here.
    """

    def __init__(
        self, records: Sequence[Record], scorer: Scorer, num: int, mirrored: bool, whole: bool
    ) -> None:
        self.records, self.scorer = records, scorer
        self.num, self.mirrored, self.whole = num, mirrored, whole

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Any:
        record = self.records[index]
        pixels = read_rgb(record.image)
        views = []
        for look in range(self.num):
            turned = self.mirrored and look % 2 == 1
            shown = np.ascontiguousarray(pixels[:, ::-1]) if turned else pixels
            # Two looks that only differ in the mirror share their draws.
            drawn = look // 2 if self.mirrored else look
            name = f"{record.name} look {drawn}" if drawn else record.name
            views.append(self.scorer.views(shown, name))
        crops = {key: torch.stack([view[key] for view in views]) for key in views[0]}
        return self.scorer.predict(crops).tolist() if self.whole else crops


def hold(callback: SoftTargets, table: TargetTable, data: Any, name: str) -> None:
    """Gives a callback its targets by the batch's index, in label units."""
    total = len(data.records) + len(data.extra)
    values = torch.full((total, 2), torch.nan, dtype=torch.float64)
    for place, record in zip(data.dataset("train").positions, taught(data), strict=True):
        values[place] = torch.tensor(table[record], dtype=torch.float64)
    mos = torch.full((total,), torch.nan, dtype=torch.float64)
    mos[: len(data.records)] = torch.tensor([r.mos for r in data.records], dtype=torch.float64)
    unit = data.label.learned(1.0) - data.label.learned(0.0)
    learned = torch.stack([data.label.learned(values[:, 0]), values[:, 1] * unit], dim=1)
    callback.hold(learned.float(), mos, name)
