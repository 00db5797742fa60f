"""Pyramids of a frozen backbone on disk: training then runs no backbone at all."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from kdiqa.batch import Pyramid
from kdiqa.data.dataset import IQADataset

SPARE = 1.1  # of the disk that must be free, for one that is needed


class PyramidNet(Protocol):
    """What the cache needs of a backbone."""

    dims: list[int]
    grid: int
    frozen: bool
    digest: Callable[[], str]

    def __call__(self, images: Sequence[Tensor]) -> list[Pyramid]:
        """Returns one pyramid an image tensor."""


class PyramidCache:
    """Where pyramids are kept, and how many draws of the training crops.

    Stored as float16: its relative rounding error of at most 2⁻¹¹ is far below what
    layer-normalised features differ by from crop to crop. A row counts once it is whole, so that a
    build that was interrupted goes on and two builds at once do each other no harm.

    Args:
        folder: Of all caches; each has a folder of its own below it, named by all it depends on.
        views: Draws of the training crops of each image; epochs take turns.
        batch_size: Images the backbone sees at once.
    """

    def __init__(self, folder: str | Path, views: int = 1, batch_size: int = 8) -> None:
        self.folder = Path(folder).expanduser()
        self.views, self.batch_size = views, batch_size

    def dataset(
        self, plain: IQADataset, backbone: PyramidNet, total: int, text: str, num_workers: int
    ) -> CachedDataset:
        """Returns a data set of pyramids, built where they are missing.

        Args:
            plain: Makes the crops.
            backbone: Frozen.
            total: Records of the whole data set: the cache serves every split of it.
            text: Whatever else the crops depend on.
            num_workers: Processes that read images.

        Raises:
            ValueError: If the backbone is not frozen, or the crops of two images differ.
            OSError: If the disk is too small.
        """
        if not backbone.frozen:
            raise ValueError(
                "Features of a backbone that is trained change with every step and cannot be kept."
                " Set module.net.backbone.frozen=true, or features=online."
            )
        if plain.crops.differ:
            raise ValueError(
                "Whole images and tiles differ from image to image and cannot be kept as rows of"
                " one size. Set features=online, or test_crops=grid; the whole image: data.test_crops.size=224."
            )
        views = self.views if plain.training else 1
        files = [f"{record.name} {record.image.stat().st_size}" for record in plain.records]
        names = ("image", *sorted(plain.pairs))
        key = hashlib.sha256(
            f"{backbone.digest()} {total} {views} {plain.training} {plain.seed} {names} {text}".encode()
        ).hexdigest()[:16]
        row = (
            views,
            len(names),
            plain.crops.num,
            sum(backbone.dims),
            backbone.grid,
            backbone.grid,
        )
        rows = Rows(self.folder / key, total, row, files, plain.positions)
        made = CachedDataset(plain, rows, names, backbone.dims)
        missing = rows.missing()
        if missing:
            self.build(made, backbone, missing, num_workers)
        return made

    def build(
        self, made: CachedDataset, backbone: Any, missing: Sequence[int], num_workers: int
    ) -> None:
        """Computes what is missing, with a progress bar."""
        rows, plain, views = made.rows, made.plain, made.rows.shape[0]
        rows.create()
        keys = [view * len(plain) + i for i in missing for view in range(views)]
        loader = DataLoader(plain, self.batch_size, sampler=keys, num_workers=num_workers)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        backbone.to(device)
        done = 0
        size = rows.bytes_of_one * len(missing) / 2**30
        with Progress(*Progress.get_default_columns()[:-1], TimeRemainingColumn()) as progress:
            task = progress.add_task(
                f"Features of {len(missing)} images ({size:.2f} GiB)", total=len(keys)
            )
            for batch in loader:
                with torch.no_grad():
                    pyramids = backbone([batch[name].to(device) for name in made.names])
                flat = torch.stack([torch.cat(levels, dim=2) for levels in pyramids], dim=1)
                for features in flat.half().cpu().numpy():
                    rows.put(keys[done] % len(plain), keys[done] // len(plain), features)
                    done += 1
                progress.update(task, completed=done)
        rows.close()
        backbone.to("cpu")


class Rows:
    """One row an image, in a file that many processes may map; a row counts once it is marked.

    Args:
        folder: Of this cache.
        total: Rows of the whole file.
        shape: Of a row: views, names, crops, channels, height, width.
        files: Names each image of this part with its size: a replaced image is computed anew.
        positions: Which row each image of this part has.
    """

    def __init__(
        self,
        folder: Path,
        total: int,
        shape: tuple[int, ...],
        files: Sequence[str],
        positions: Sequence[int],
    ) -> None:
        self.folder, self.total, self.shape, self.positions = folder, total, shape, positions
        self.marks = [int(hashlib.sha256(f.encode()).hexdigest()[:15], 16) | 1 for f in files]
        self.data: Any = None

    @property
    def bytes_of_one(self) -> int:
        """Bytes of a row."""
        return 2 * int(np.prod(self.shape))

    def missing(self) -> list[int]:
        """Returns which images of this part have no whole row yet."""
        path = self.folder / "marks.npy"
        if not path.is_file():
            return list(range(len(self.marks)))
        held = np.load(path, mmap_mode="r")
        return [i for i, p in enumerate(self.positions) if held[p] != self.marks[i]]

    def create(self) -> None:
        """Makes the files, sparse, where they are not there yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(self.folder).free, self.bytes_of_one * len(self.missing())
        if free < SPARE * needed:
            raise OSError(
                f"The features need {needed / 2**30:.1f} GiB and '{self.folder}' has"
                f" {free / 2**30:.1f} GiB free. Set features.folder to a larger disk, or lower"
                " features.views or num_crops; or compute them in every step: features=online."
            )
        for name, dtype, shape in (
            ("features.npy", np.float16, (self.total, *self.shape)),
            ("marks.npy", np.int64, (self.total,)),
        ):
            if not (self.folder / name).is_file():
                unfinished = self.folder / f"{name}.part"
                np.lib.format.open_memmap(unfinished, "w+", dtype, shape).flush()
                unfinished.replace(self.folder / name)
        self.data = np.load(self.folder / "features.npy", mmap_mode="r+")
        self.held = np.load(self.folder / "marks.npy", mmap_mode="r+")

    def put(self, image: int, view: int, features: NDArray[np.float16]) -> None:
        """Writes one view of an image, and marks the row when its last view is there."""
        assert self.data is not None
        self.data[self.positions[image], view] = features
        if view == self.shape[0] - 1:
            self.data.flush()
            self.held[self.positions[image]] = self.marks[image]
            self.held.flush()

    def close(self) -> None:
        """Lets go of the writable maps."""
        self.data = None

    def get(self, image: int, view: int) -> NDArray[np.float16]:
        """Returns one view of an image."""
        if self.data is None:  # mapped where it is first read: a map does not travel to a worker
            self.data = np.load(self.folder / "features.npy", mmap_mode="r")
        row: NDArray[np.float16] = self.data[self.positions[image], view]
        return row


class CachedDataset(Dataset[dict[str, Any]]):
    """The samples of a data set, with pyramids in place of crops.

    Args:
        plain: What the pyramids were made of.
        rows: Where they are.
        names: Of the images in a row.
        dims: Channels of the levels.
    """

    def __init__(
        self, plain: IQADataset, rows: Rows, names: Sequence[str], dims: Sequence[int]
    ) -> None:
        self.plain, self.rows, self.names, self.dims = plain, rows, names, list(dims)
        self.training = plain.training

    def __len__(self) -> int:
        return len(self.plain)

    def __getitem__(self, key: int) -> dict[str, Any]:
        """Returns the sample of ``key = epoch * len(self) + index``."""
        epoch, index = divmod(key, len(self.plain))
        stored = self.rows.get(index, epoch % self.rows.shape[0])
        images = torch.from_numpy(stored.astype(np.float32))
        pyramids = {
            name: list(image.split(self.dims, dim=1))
            for name, image in zip(self.names, images, strict=True)
        }
        record = self.plain.records[index]
        return {
            "pyramids": pyramids,
            "mos": torch.tensor(record.mos, dtype=torch.float32),
            "index": torch.tensor(self.plain.positions[index]),
        }
