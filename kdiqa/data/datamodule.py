"""From a folder as its authors ship it to batches of crops: all that data sets have in common."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import lightning as L

from kdiqa.data.cache.features import CachedDataset
from kdiqa.data.crops import Crops, check_crops
from kdiqa.data.dataset import IQADataset, references_of
from kdiqa.data.loader import Loader, loader
from kdiqa.data.pairs.pairing import Pairing, given
from kdiqa.data.readers.files import FileIndex, root_of
from kdiqa.data.record import Record, uniquely_named
from kdiqa.data.sampler import EpochSampler
from kdiqa.data.scale import Label, LabelScale
from kdiqa.data.source import DatasetNotFoundError, Facts, Source
from kdiqa.data.splits.leaks import Leak, OnLeak, split_leaks
from kdiqa.data.splits.shares import check_shares, scored, shared
from kdiqa.data.splits.split import SUBSETS, SUBSETS_OF, Assignment, SelectOn, Split, SplitBy
from kdiqa.data.splits.stored import StoredSplit
from kdiqa.data.unlabelled import Unlabelled
from kdiqa.runtime.words import check_word


class IQADataModule(L.LightningDataModule):
    """A data set of scored images; a subclass is its reader and its facts.

    After ``setup()``: ``records`` (all images, mos in [0, 1], higher is better), ``assignment``
    (the subset of each), ``label`` (what the scores mean), ``digest`` (of all that);
    ``batch["index"]`` counts in ``records``.

    Args:
        root: The unpacked download; None for the folder ``name`` in the one KDIQA_DATA names.
        split: Which of the reproducible splits: 0, 1, 2, …
        ratios: Shares of train, val and test.
        split_by: What stays together; None for what suits the data set.
        stored_split: Reads somebody's split, whose fold is ``split``, in place of ``ratios``.
        guard: What a training run does when one content stands in two subsets of the split, see
            :mod:`kdiqa.data.splits.leaks`: ``stop``, ``warn``, or ``drop`` its training images.
        select_on: The subset that selects a checkpoint; ``test`` trains on the validation images
            too, and its numbers are marked; ``train`` spares none, to take the last epoch.
        train_crops: What training sees of an image.
        test_crops: What validation and test see of it.
        pairs: By name, what each image is paired with; None for nothing.
        teacher_pairs: Likewise, in training alone: what a teacher alone sees.
        batch_size: Images of a batch, on each device.
        num_workers: Processes that read; with 0, the main one does.
        prefetch_factor: Batches each of them has ready before they are asked for.
        seed: Of crops, flips and re-distortions, not of the split.
        label_scale: What ``batch["mos"]`` is: ``unit``, ``raw``, ``zscore`` or ``rank``.
        fraction: Share of the training images that is used.
        unlabelled: More training images without scores, see :mod:`kdiqa.data.unlabelled`.
        labelled: Share (float) or number (int) of those whose ``mos`` training sees; else NaN.
        drop_last: Leaves out the last batch of an epoch where it is not full.
    """

    name: str
    mos_range: tuple[float, float]
    lower_is_better: bool = False
    homepage: ClassVar[str] = ""
    licence: ClassVar[str] = ""
    layout: ClassVar[tuple[str, ...]] = ()  # the expected tree; … stands for what goes on
    facts: Facts | None = None  # None where they are not known
    split_by: SplitBy = "content"
    setting: str = "data.root"  # what says where it lies, for messages
    joined: ClassVar[bool] = False  # of two data sets, see CrossDataset
    files: FileIndex

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        split: int = 0,
        ratios: Sequence[float] = (0.7, 0.1, 0.2),
        split_by: SplitBy | None = None,
        stored_split: StoredSplit | None = None,
        guard: OnLeak = "stop",
        select_on: SelectOn = "val",
        train_crops: Crops | None = None,
        test_crops: Crops | None = None,
        pairs: Mapping[str, Pairing | None] | None = None,
        teacher_pairs: Mapping[str, Pairing | None] | None = None,
        batch_size: int = 16,
        num_workers: int = 0,
        prefetch_factor: int = 2,
        seed: int = 0,
        label_scale: LabelScale = "unit",
        fraction: float = 1.0,
        unlabelled: Unlabelled | None = None,
        labelled: float = 1.0,
        drop_last: bool = False,
    ) -> None:
        super().__init__()
        self.root_from = self.setting if root is not None else "KDIQA_DATA"
        self.root = root_of(root, self.name)
        self.split = Split(split, split_by or self.split_by, ratios, select_on != "train")
        self.stored_split, self.guard, self.select_on = stored_split, guard, select_on
        self.train_crops = train_crops or Crops(num=1, size=224)
        self.test_crops = test_crops or Crops(num=1, size=224, mode="center")
        self.pairs, self.train_pairs = given(pairs), given(pairs) | given(teacher_pairs)
        self.batch_size, self.drop_last, self.seed = batch_size, drop_last, seed
        self.num_workers, self.prefetch_factor = num_workers, prefetch_factor
        self.label = Label(*self.mos_range, self.lower_is_better, label_scale)
        self.fraction, self.label_share, self.unlabelled = fraction, labelled, unlabelled
        self.cached: dict[str, CachedDataset] = {}
        self.records: Sequence[Record] = []
        self.assignment, self.digest = Assignment([], [], ""), ""
        self.extra: list[Record] = []  # without labels; counted after the records
        check_word("data.guard", guard, OnLeak)
        check_crops(self.train_crops, self.train_pairs, batch_size)
        check_shares(fraction, labelled)

    @property
    def source(self) -> Source:
        """What messages name of the data set."""
        scale, where = self.mos_range, (self.root, self.setting, self.root_from)
        return Source(type(self).__name__, self.name, self.homepage, scale, *where)

    @abstractmethod
    def read(self) -> Iterator[Record]:
        """Yields all records of the data set, with the authors' own scores."""

    def table(self, *paths: str) -> Path:
        """Returns the label file at the first of some paths, or raises ``DatasetNotFoundError``."""
        if (path := self.files.find(*paths)) is None:
            raise DatasetNotFoundError(self.source, f"lacks '{paths[0]}'")
        return path

    def setup(self, stage: str | None = None) -> None:
        """Reads all labels, checks all files, and splits; once, whatever the stage.

        Raises:
            DatasetNotFoundError: If the folder, a label file or an image is missing.
            BrokenImagesError: If images are empty or cut short.
            ValueError: If the labels, the pairs or the split do not fit the data.
        """
        if self.records:
            return
        records = self.load()
        for pairing in self.train_pairs.values():
            pairing.check(records)
        subsets = self.assign(records)
        paired = [path for p in self.train_pairs.values() for path in p.files(records)]
        self.source.check_files([*(record.image for record in records), *paired])
        self._settle(Assignment.of(records, subsets))

    def load(self) -> list[Record]:
        """Returns all records, mos in [0, 1], once their labels have been looked at."""
        if self.root is None or not self.root.is_dir():
            raise DatasetNotFoundError(self.source)
        self.files = FileIndex(self.root)
        raw = uniquely_named(list(self.read()), self.root)
        self.source.check_labels(raw)
        return [replace(record, mos=self.label.unit(record.mos)) for record in raw]

    def assign(self, records: list[Record]) -> list[str]:
        """Returns the subset of each record."""
        if self.stored_split is None:
            return self.split.assign(records)
        return self.split.completed(records, self.stored_split.assign(records, self.split.index))

    def check_leaks(self) -> list[Leak]:
        """Returns the leaks of the split: ``stop`` raises ``LeakError``, ``drop`` leaves them out."""
        leaks = split_leaks(self.assignment, self.guard, crops=self.joined)
        if leaks and self.guard == "drop":
            leaked = (index for leak in leaks for index in leak.here.indices)
            self._settle(self.split.without(self.assignment, leaked))
        return leaks

    def add_unlabelled(self) -> None:
        """Adds the images without labels to the training images, once."""
        if self.unlabelled is not None and not self.extra:
            trained = [self.records[index] for index in self.positions("train")]
            self.extra = self.unlabelled.records(trained, self.assignment, self.guard)
            for pairing in self.train_pairs.values():
                pairing.check(self.extra)

    def _settle(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.records, self.digest = assignment.records, assignment.digest
        self.label = self.label.fitted([self.records[i].mos for i in self.labelled()])

    def positions(self, subset: str) -> list[int]:
        """Returns the indices in ``records`` of a subset's images."""
        indices = self.assignment.indices(*SUBSETS_OF[self.select_on].get(subset, (subset,)))
        share = float(self.fraction) if subset == "train" else 1.0
        return shared(self.records, indices, self.split, share)

    def labelled(self) -> list[int]:
        """Returns the indices of the training images whose labels training may see."""
        return shared(self.records, self.positions("train"), self.split, self.label_share)

    def dataset(self, subset: str, training: bool | None = None) -> IQADataset:
        """Returns the images of a subset, cropped, flipped and drawn as in training for ``train``."""
        training = subset == "train" if training is None else training
        records = [*self.records, *self.extra]
        indices = labelled = self.positions(subset)
        if subset == "train" and training:
            indices = [*indices, *range(len(self.records), len(records))]
            labelled = self.labelled()
        crops = self.train_crops if training else self.test_crops
        pairs = self.train_pairs if training else self.pairs
        chosen = scored(records, indices, labelled, self.label)
        return IQADataset(chosen, crops, pairs, self.seed, training, indices)

    def references(self) -> IQADataset | None:
        """Returns the bank that evaluation compares every image with, if there is one."""
        return references_of(self.pairs, self.test_crops, self.seed)

    def cache_features(self, features: Callable[[IQADataset, int], CachedDataset]) -> None:
        """Gives pyramids in place of crops from now on, computed where they are missing."""
        total = len(self.records) + len(self.extra)
        self.cached = {subset: features(self.dataset(subset), total) for subset in SUBSETS}

    def train_dataloader(self) -> Loader:
        """Returns batches of the training images, in a new order in every epoch."""
        return self._loader("train")

    def val_dataloader(self) -> Loader:
        """Returns batches of the images that select a checkpoint."""
        return self._loader("val")

    def test_dataloader(self) -> Loader:
        """Returns batches of the images that are tested, in the end."""
        return self._loader("test")

    def _loader(self, subset: str) -> Loader:
        dataset = self.cached.get(subset) or self.dataset(subset)
        crops = self.train_crops if dataset.training else self.test_crops
        workers = 0 if self.cached else self.num_workers  # cached features need no decoding
        return loader(
            dataset,
            EpochSampler(len(dataset), shuffle=dataset.training, seed=self.seed),
            workers,
            self.prefetch_factor,
            batch_size=1 if crops.differ else self.batch_size,
            drop_last=self.drop_last and dataset.training,
            persistent_workers=workers > 0 and subset != "test",
        )
