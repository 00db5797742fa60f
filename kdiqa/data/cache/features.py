"""Pyramids of a frozen backbone on disk: training then runs no backbone at all."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from kdiqa.batch import Pyramid
from kdiqa.data.cache.contents import contents_of
from kdiqa.data.cache.predictions import CachedPredictions, cached_predictions
from kdiqa.data.cache.rows import Rows, fill
from kdiqa.data.dataset import IQADataset
from kdiqa.data.pairs.pool import Pool
from kdiqa.data.record import Record
from kdiqa.data.seeds import Draw, derive_seed


class PyramidNet(Protocol):
    """What the cache needs of a backbone."""

    dims: list[int]
    grid: int
    frozen: bool
    digest: Callable[[], str]

    def __call__(self, images: Sequence[Tensor]) -> list[Pyramid]:
        """Returns one pyramid an image tensor."""


class PyramidCache:
    """Where pyramids are cached, and how many draws of the training crops.

    Stored as float16: its relative rounding error of at most 2⁻¹¹ is far below what
    layer-normalised features differ by from crop to crop. A row counts once it is complete, so that a
    build that was interrupted goes on and two builds at once do each other no harm.

    Args:
        folder: Of all caches; each has a folder of its own below it, named by all it depends on.
        views: Draws of the training crops of each image; epochs take turns.
        batch_size: Images the backbone sees at once.
        teacher: Whether a teacher's predictions of the training views are cached as well.
    """

    def __init__(
        self, folder: str | Path, views: int = 1, batch_size: int = 8, teacher: bool = True
    ) -> None:
        self.folder = Path(folder).expanduser()
        self.views, self.batch_size, self.teacher = views, batch_size, teacher

    def dataset(
        self,
        plain: IQADataset,
        backbone: PyramidNet,
        total: int,
        text: str,
        num_workers: int,
        pool_text: str = "",
    ) -> CachedDataset:
        """Returns a data set of pyramids, built where they are missing.

        The images of a pool are cached once each, and drawn from as in training without a cache.

        Args:
            plain: Makes the crops.
            backbone: Frozen.
            total: Records of the whole data set: the cache serves every split of it.
            text: Whatever else the crops depend on.
            num_workers: Processes that read images.
            pool_text: Whatever the crops of a pool's images depend on.
        """
        check_cacheable(plain, backbone)
        pools: dict[str, Any] = {k: pair for k, pair in plain.pairs.items() if pair.draws}
        plain = copy.copy(plain)
        plain.pairs = {name: pair for name, pair in plain.pairs.items() if name not in pools}
        views = self.views if plain.training else 1
        files = files_of(plain)
        names = ("image", *sorted(plain.pairs))
        key = hashlib.sha256(
            f"{backbone.digest()} {total} {views} {plain.training} {plain.seed} {names} {text}".encode()
        ).hexdigest()[:16]
        channels, side = sum(backbone.dims), backbone.grid
        row = (views, len(names), plain.crops.num, channels, side, side)
        rows = Rows(self.folder / key, total, row, files, plain.positions)
        cached = CachedDataset(plain, rows, names, backbone.dims)

        def compute(batch: dict[str, Tensor], device: torch.device) -> Tensor:
            pyramids = backbone([batch[name].to(device) for name in names])
            return torch.stack([torch.cat(levels, dim=2) for levels in pyramids], dim=1)

        options = {"batch_size": self.batch_size, "num_workers": num_workers}
        fill(rows, plain, backbone, compute, "Features", **options)
        for name, pool in pools.items():
            crops = pool.crops if plain.training and pool.crops is not None else plain.crops
            images = IQADataset(pool.records(), crops, {}, plain.seed, plain.training)
            key = f"{pool_text} {[record.content for record in images.records]}"
            pyramids = self.dataset(images, backbone, len(images), key, num_workers)
            cached.pools[name] = (pool, pyramids)
        return cached


def files_of(plain: IQADataset) -> list[str]:
    """Returns what tells each image's crops from others: its name, its bytes, and its pairs'."""
    pairs = plain.pairs.values()
    read = [
        [record.image, *(path for pair in pairs for path in pair.files([record]))]
        for record in plain.records
    ]
    contents = contents_of(path for paths in read for path in paths)
    return [
        " ".join([record.name, *(contents[path] for path in paths), *drawn_by(record)])
        for record, paths in zip(plain.records, read, strict=True)
    ]


def drawn_by(record: Record) -> list[str]:
    """Returns what an image is distorted by as it is read, if it is."""
    return [] if record.drawn is None else [str(getattr(record.drawn, "description", ""))]


def check_cacheable(plain: IQADataset, backbone: PyramidNet) -> None:
    """Raises ``ValueError`` where a backbone's features of a data set cannot be cached."""
    if not backbone.frozen:
        raise ValueError(
            "Features of a backbone that is trained change with every step and cannot be cached."
            " Set module.net.backbone.frozen=true, or features=online."
        )
    if plain.crops.differ:
        raise ValueError(
            "Whole images and tiles differ from image to image and cannot be cached as rows of"
            " one size. Set features=online, or test_crops=grid; the whole image: data.test_crops.size=224."
        )


class CachedDataset(Dataset[dict[str, Any]]):
    """The samples of a data set, with pyramids of levels ``dims`` in place of crops.

    A row holds those of one image and of its pairs, in the order of ``names``.
    """

    def __init__(
        self, plain: IQADataset, rows: Rows, names: Sequence[str], dims: Sequence[int]
    ) -> None:
        self.plain, self.rows, self.names, self.dims = plain, rows, names, list(dims)
        self.training = plain.training
        self.pools: dict[str, tuple[Pool, CachedDataset]] = {}  # by name, what is drawn from
        self.predictions: CachedPredictions | None = None  # of a teacher

    def add_predictions(self, teacher: Any, pair: Sequence[str], text: str) -> None:
        """Lets samples hold a teacher's predictions, see :func:`cached_predictions`."""
        self.predictions = cached_predictions(self.rows, self, teacher, pair, text)

    def __len__(self) -> int:
        return len(self.plain)

    def __getitem__(self, key: int) -> dict[str, Any]:
        """Returns the sample of ``key = epoch * len(self) + index``."""
        epoch, index = divmod(key, len(self.plain))
        view = epoch % self.rows.shape[0]
        images = torch.from_numpy(self.rows.get(index, view).astype(np.float32))
        levels = (list(image.split(self.dims, dim=1)) for image in images)
        pyramids = dict(zip(self.names, levels, strict=True))
        pyramids |= {name: self.drawn(name, epoch, index) for name in self.pools}
        predictions = self.predictions
        extra = {} if predictions is None else {"cached_prediction": predictions.get(index, view)}
        return {
            "pyramids": pyramids,
            "mos": torch.tensor(self.plain.records[index].mos, dtype=torch.float32),
            "index": torch.tensor(self.plain.positions[index]),
            **extra,
        }

    def drawn(self, name: str, epoch: int, index: int) -> Pyramid:
        """Returns the pyramid of the image that a pool draws for an image in an epoch."""
        (pool, cached), plain = self.pools[name], self.plain
        of = (plain.positions[index], plain.records[index].name, plain.training)
        seed = Draw.of(plain.seed, epoch, *of).seed(pool.seed_mode, "pair")
        view = derive_seed(seed, "view") % cached.rows.shape[0]
        pyramid: Pyramid = cached[view * len(cached) + pool.index(seed)]["pyramids"]["image"]
        return pyramid
