"""Labelling with the teacher (SSKD): it scores the training images once, into a table."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from omegaconf import OmegaConf
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from kdiqa.config.buildable import READERS
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.cache.contents import contents_of
from kdiqa.data.cache.features import PyramidCache
from kdiqa.data.cache.predictions import pyramids_of
from kdiqa.data.crops import Crops
from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.pairing import Reference
from kdiqa.data.record import Record
from kdiqa.data.scale import Label
from kdiqa.models.digest import digest
from kdiqa.runtime.devices import auto_device, one_thread
from kdiqa.scorer.open import opened, pairing_of
from kdiqa.scorer.scorer import Scorer
from kdiqa.systems.sskd.table import GivenScores, Target, TargetTable
from kdiqa.training.features import cache_features, caches_features
from kdiqa.training.plan import Plan

BATCH = 16  # images after which the table is written
console = Console()


class Views(NamedTuple):
    """What a teacher sees of each image."""

    num: int  # of an image; the first is that of the teacher's own evaluation
    mirrored: bool  # every second one, left-right
    crops: Crops | None  # None for those that its run tested it on


def labelled(
    plan: Plan, folder: Path, views: Views, cached: bool, node: Any
) -> tuple[TargetTable | GivenScores, str]:
    """Returns the complete table of the soft targets of a run, and what names their teacher.

    Of several teachers, an image's target is the mean over all of their views. A teacher that
    compares with a reference is shown each image's own.

    Args:
        plan: Of the run; its images without labels are scored too.
        folder: Of the tables.
        views: Of each image.
        cached: Reads the features that the teacher's run cached of the labelled images.
        node: The callback's configuration: another one has a table of its own.
    """
    if plan.teacher_table is not None:
        given = GivenScores(plan.teacher_table, every_image(plan.data))
        return given, given.digest
    teachers = [
        opened(one, Scorer, auto_device(), "name", pair=pairing_of) for one in plan.teachers
    ]
    for scorer in teachers:
        scorer.views.crops = views.crops or scorer.views.crops
        for pairing in scorer.views.pairs.values():
            pairing.check(every_image(plan.data))
    check_views(teachers, views, cached)
    plain: Any = OmegaConf.to_container(node, resolve=True)
    asked = str([plain[key] for key in ("looks", "mirrored", "crops", "kept")])
    name = digest({}, f"{' '.join(scorer.digest for scorer in teachers)} {asked}")
    contents = contents_of(record.image for record in every_image(plan.data))
    table = TargetTable(folder / f"{name}-{plan.data.digest[:12]}.csv", contents)
    if cached and any(record not in table for record in trained(plan.data)):
        table.append(cached_targets(plan.teachers[0], plan.data, plan.cfg.cache.folder))
    fill(table, every_image(plan.data), teachers, views, plan.data.num_workers)
    return table, name


def check_views(teachers: Sequence[Scorer], views: Views, cached: bool) -> None:
    """Raises where teachers cannot score what they are to be shown."""
    referenced = any(isinstance(p, Reference) for t in teachers for p in t.views.pairs.values())
    if referenced and views.mirrored:
        raise ValueError(
            "A teacher that compares with references sees no mirrored views. Set"
            " callbacks.soft_targets.mirrored=false."
        )
    if cached and (referenced or len(teachers) > 1):
        raise ValueError(
            "Cached features are of one teacher that sees the image alone. Set"
            " callbacks.soft_targets.kept=false."
        )


def trained(data: Any) -> list[Record]:
    """Returns the images that are trained on and have labels."""
    return [data.records[index] for index in data.positions("train")]


def every_image(data: Any) -> list[Record]:
    """Returns the images that are trained on, with labels and without."""
    return list(data.dataset("train").records)


def cached_targets(teacher: Checkpoint, data: Any, folder: str) -> list[tuple[Record, Target]]:
    """Returns a teacher's scores of the features that its own run, of the same split, cached.

    They are looked for in the folder: what the teacher's file says of one is not used.

    Raises:
        ValueError: If its run cached none.
    """
    cfg: Any = teacher.config
    if not caches_features(cfg):
        raise ValueError(
            f"The run of the teacher in '{teacher.folder}' cached no features (features=online)."
            " Set callbacks.soft_targets.kept=false, and it scores the images again."
        )
    cfg.data.root, cfg.data.num_workers = str(data.root), data.num_workers
    node = teacher.data_node(training=True) | {
        "root": str(data.root),
        "num_workers": data.num_workers,
    }
    theirs = teacher.build(node, READERS, IQADataModule)  # type: ignore[type-abstract]
    theirs.setup()
    theirs.check_leaks()
    net: Any = teacher.net()
    cache_features(
        PyramidCache(folder, int(cfg.cache.views), int(cfg.cache.batch_size)),
        cfg.data,
        theirs,
        net.backbone,
    )
    features, label = theirs.cached["train"], Label(**teacher.label)
    targets = []
    for index, record in enumerate(track(trained(data), "Soft targets", console=console)):
        views = range(features.rows.shape[0])
        samples = [features[view * len(features) + index] for view in views]
        with torch.inference_mode():
            scores = net(*pyramids_of(samples, teacher.description["pair"])).score.double()
        unit = label.to_unit(scores).clamp(0, 1).numpy()
        targets.append((record, Target(float(unit.mean()), float(unit.std()))))
    return targets


def fill(
    table: TargetTable,
    records: Sequence[Record],
    teachers: Sequence[Scorer],
    views: Views,
    workers: int,
) -> None:
    """Adds the targets that a table lacks, with a progress bar; an interruption loses none."""
    missing = [record for record in records if record not in table]
    asked = teachers if missing else []
    scored = zip(*(scores_of(missing, one, views, workers) for one in asked), strict=True)
    new: list[tuple[Record, Target]] = []
    for record in track(missing, "Soft targets", console=console, disable=not missing):
        scores = [score for of_one in next(scored) for score in of_one]
        new.append((record, Target(float(np.mean(scores)), float(np.std(scores)))))
        if len(new) == BATCH:
            table.append(new)
            new = []
    if new:
        table.append(new)
    table.finish()


def scores_of(
    records: Sequence[Record], scorer: Scorer, views: Views, workers: int
) -> Iterator[list[float]]:
    """Yields the scores of each image's views; on a CPU each worker scores what it reads."""
    dataset = ViewDataset(records, scorer, views, workers > 0 and auto_device() == "cpu")
    loader = DataLoader(dataset, batch_size=None, num_workers=workers, worker_init_fn=one_thread)
    for item in loader:
        yield item if isinstance(item, list) else scorer.predict(item).tolist()


class ViewDataset(Dataset[Any]):
    """Views of images for a teacher: their crops, stacked, or already their scores in the worker."""

    def __init__(
        self, records: Sequence[Record], scorer: Scorer, views: Views, score_in_worker: bool
    ) -> None:
        self.records, self.scorer = records, scorer
        self.views, self.score_in_worker = views, score_in_worker

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Any:
        record = self.records[index]
        pixels = read_rgb(record.image)
        seen = []
        for view in range(self.views.num):
            mirrored = self.views.mirrored and view % 2 == 1
            shown = np.ascontiguousarray(pixels[:, ::-1]) if mirrored else pixels
            # Two views that only differ in the mirror share their draws.
            drawn = view // 2 if self.views.mirrored else view
            name = f"{record.name} look {drawn}" if drawn else record.name
            seen.append(self.scorer.views(shown, name, record.reference))
        crops = {key: torch.stack([view[key] for view in seen]) for key in seen[0]}
        return self.scorer.predict(crops).tolist() if self.score_in_worker else crops


def by_index(table: TargetTable | GivenScores, data: Any) -> tuple[Tensor, Tensor]:
    r"""Returns targets, :math:`(N, 2)`, and labels, :math:`(N,)`, by the batch's index.

    In label units; NaN where there is none.
    """
    total = len(data.records) + len(data.extra)
    values = torch.full((total, 2), torch.nan, dtype=torch.float64)
    for index, record in zip(data.dataset("train").positions, every_image(data), strict=True):
        values[index] = torch.tensor(table[record], dtype=torch.float64)
    mos = torch.full((total,), torch.nan, dtype=torch.float64)
    mos[: len(data.records)] = torch.tensor([r.mos for r in data.records], dtype=torch.float64)
    unit = data.label.learned(1.0) - data.label.learned(0.0)
    learned = torch.stack([data.label.learned(values[:, 0]), values[:, 1] * unit], dim=1)
    return learned.float(), mos
