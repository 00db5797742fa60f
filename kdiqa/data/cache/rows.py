"""One row an image, in files that many processes may map at once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from kdiqa.files.atomic import FULL, NoSpaceError
from kdiqa.runtime.devices import auto_device

SPARE = 1.1  # of the disk that must be free, for one that is needed
RANKS = (("RANK", 0), ("WORLD_SIZE", 1))


class Rows:
    """One row an image, in a file that many processes may map; a row counts once it is marked.

    Args:
        folder: Of this cache.
        total: Rows of the file.
        shape: Of a row: views, names, crops, channels, height, width.
        files: Names each image of this subset with its size: a replaced image is computed anew.
        positions: Which row each image of this subset has.
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

    @classmethod
    def like(cls, other: Rows, folder: Path, shape: tuple[int, ...]) -> Rows:
        """Returns rows of the same images for something else."""
        rows = cls(folder, other.total, shape, [], other.positions)
        rows.marks = other.marks
        return rows

    @property
    def bytes_of_one(self) -> int:
        """Bytes of a row."""
        return 2 * int(np.prod(self.shape))

    def missing(self) -> list[int]:
        """Returns which images of this subset have no complete row yet."""
        path = self.folder / "marks.npy"
        if not path.is_file():
            return list(range(len(self.marks)))
        marked = np.load(path, mmap_mode="r")
        return [i for i, p in enumerate(self.positions) if marked[p] != self.marks[i]]

    def create(self) -> None:
        """Creates the files, sparse, where they are not there yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(self.folder).free, self.bytes_of_one * len(self.missing())
        if free < SPARE * needed:
            raise OSError(
                f"The features need {needed / 2**30:.1f} GiB and '{self.folder}' has"
                f" {free / 2**30:.1f} GiB free. Set cache.folder to a larger disk, or lower"
                " cache.views or num_crops; or compute them in every step: features=online."
            )
        for name, dtype, shape in (
            ("features.npy", np.float16, (self.total, *self.shape)),
            ("marks.npy", np.int64, (self.total,)),
        ):
            if not (self.folder / name).is_file():
                unfinished = self.folder / f"{name}.{os.getpid()}.part"
                np.lib.format.open_memmap(unfinished, "w+", dtype, shape).flush()
                with contextlib.suppress(FileExistsError):  # another process was first: use its
                    os.link(unfinished, self.folder / name)
                unfinished.unlink()
        self.data = np.load(self.folder / "features.npy", mmap_mode="r")
        self.marked = np.load(self.folder / "marks.npy", mmap_mode="r")

    def pending(self, images: Sequence[int]) -> Iterator[int]:
        """Yields those of some images whose rows no process has finished by then."""
        return (i for i in images if self.marked[self.positions[i]] != self.marks[i])

    def put(self, image: int, view: int, features: NDArray[np.float16]) -> None:
        """Writes one view of an image, and marks the row when its last view is there."""
        assert self.data is not None
        row = self.positions[image]
        last = view == self.shape[0] - 1
        entry = row * self.shape[0] + view
        self._write("features.npy", self.data.offset, entry, features.tobytes(), last)
        if last:
            mark = np.int64(self.marks[image]).tobytes()
            self._write("marks.npy", self.marked.offset, row, mark, last)

    def _write(self, name: str, offset: int, entry: int, data: bytes, last: bool) -> None:
        """Writes one entry of a file; the last of a row is on the disk when it returns.

        Through a map a full disk would end the process without a word (SIGBUS).
        """
        path = self.folder / name
        try:
            with path.open("r+b", buffering=0) as file:
                file.seek(offset + entry * len(data))
                while data:
                    data = data[file.write(data) :]
                if last:
                    os.fsync(file.fileno())
        except OSError as error:
            if error.errno in FULL:
                raise NoSpaceError(path, error) from error
            raise

    def get(self, image: int, view: int) -> NDArray[np.float16]:
        """Returns one view of an image."""
        if self.data is None:  # mapped where it is first read: a map does not travel to a worker
            self.data = np.load(self.folder / "features.npy", mmap_mode="r")
        row: NDArray[np.float16] = self.data[self.positions[image], view]
        return row


class Stream(Sampler[int]):
    """Keys that are decided on while they are asked for."""

    def __init__(self, keys: Iterator[int]) -> None:
        self.keys = keys

    def __iter__(self) -> Iterator[int]:
        return self.keys


def fill(
    rows: Rows,
    dataset: Dataset[dict[str, Any]],
    net: Any,
    compute: Callable[[Any, torch.device], Tensor],
    title: str,
    **options: Any,
) -> None:
    """Computes the rows that are missing, with a progress bar.

    Args:
        rows: Of the data set's images.
        dataset: Gives the sample of ``view * images + image``.
        net: Moved to the device for the while.
        compute: Returns the values of a batch, :math:`(B, …)`, computed on a device.
        title: Of the progress bar.
        options: Further arguments of the DataLoader.
    """
    missing, images, views = rows.missing(), len(rows.marks), rows.shape[0]
    if not missing:
        return
    rows.create()
    keys: list[int] = []

    def pending() -> Iterator[int]:
        for image in rows.pending(own_share_first(missing)):
            for view in range(views):
                keys.append(view * images + image)
                yield keys[-1]

    loader: Iterable[Any] = DataLoader(dataset, sampler=Stream(pending()), **options)
    device = torch.device(auto_device())
    net.to(device)
    done = 0
    gib, mib = len(missing) * rows.bytes_of_one / 2**30, rows.bytes_of_one / 2**20
    text = f"{title} of {len(missing)} images ({gib:.2f} GiB, {mib:.2f} MiB each)"
    with Progress(*Progress.get_default_columns()[:-1], TimeRemainingColumn()) as bar:
        task = bar.add_task(text, total=len(missing))
        for batch in loader:
            with torch.no_grad():
                computed = compute(batch, device)
            for values in computed.half().cpu().numpy():
                rows.put(keys[done] % images, keys[done] // images, values)
                done += 1
            bar.update(task, completed=done / views)
        bar.update(task, completed=len(missing))
    rows.data = None  # lets go of the map
    net.to("cpu")


def own_share_first(missing: Sequence[int]) -> list[int]:
    """Returns what is missing, beginning elsewhere in each of the processes that torchrun starts."""
    rank, world = (int(os.environ.get(name, default)) for name, default in RANKS)
    start = len(missing) * rank // world
    return [*missing[start:], *missing[:start]]
