"""One row an image, in files that many processes may map at once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

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

    The mark is of the image's name and bytes and of the row's own: what was cut off, deleted or
    altered since is computed anew.

    Args:
        folder: Of this cache.
        total: Rows of the file.
        shape: Of a row: views, names, crops, channels, height, width.
        files: Names each image of this subset with its bytes: a replaced image is computed anew.
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
        self.files = list(files)
        self.data: Any = None
        self.marked: Any = None
        self._sum = 0  # of the views that were written of the row that is being written

    @classmethod
    def like(cls, other: Rows, folder: Path, shape: tuple[int, ...]) -> Rows:
        """Returns rows of the same images for something else."""
        return cls(folder, other.total, shape, other.files, other.positions)

    @property
    def bytes_of_one(self) -> int:
        """Bytes of a row."""
        return 2 * int(np.prod(self.shape))

    @property
    def layouts(self) -> dict[str, tuple[type, tuple[int, ...]]]:
        """The type and shape of each file."""
        return {
            "features.npy": (np.float16, (self.total, *self.shape)),
            "marks.npy": (np.int64, (self.total,)),
        }

    def missing(self) -> list[int]:
        """Returns which images have no complete and unchanged row: every row there is is read."""
        self.data, self.marked = self._mapped("features.npy"), self._mapped("marks.npy")
        if self.data is None or self.marked is None:
            return list(range(len(self.files)))
        return list(self.pending(range(len(self.files))))

    def create(self, images: int) -> None:
        """Creates the files, sparse, where they are not there yet, or cut or of another layout.

        Args:
            images: How many rows will be written.

        Raises:
            OSError: If the disk is too small for them.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(self.folder).free, self.bytes_of_one * images
        if free < SPARE * needed:
            raise OSError(
                f"The features need {needed / 2**30:.1f} GiB and '{self.folder}' has"
                f" {free / 2**30:.1f} GiB free. Set cache.folder to a larger disk, or lower"
                " cache.views or num_crops; or compute them in every step: features=online."
            )
        for name, (dtype, shape) in self.layouts.items():
            if self._mapped(name) is None:
                (self.folder / name).unlink(missing_ok=True)
                unfinished = self.folder / f"{name}.{os.getpid()}.part"
                np.lib.format.open_memmap(unfinished, "w+", dtype, shape).flush()
                with contextlib.suppress(FileExistsError):  # another process was first: use its
                    os.link(unfinished, self.folder / name)
                unfinished.unlink()
        self.data, self.marked = self._mapped("features.npy"), self._mapped("marks.npy")

    def _mapped(self, name: str) -> Any:
        """Returns a file as an array; None where there is none, or not all of it."""
        try:
            mapped = np.load(self.folder / name, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return None
        return mapped if (mapped.dtype, mapped.shape) == self.layouts[name] else None

    def _mark(self, image: int, checksum: int) -> int:
        """Returns what stands for a complete row: the file it is of, and the sum of its bytes."""
        text = f"{self.files[image]} {checksum:08x}"
        return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16) | 1

    def pending(self, images: Iterable[int]) -> Iterator[int]:
        """Yields those of some images whose rows no process has finished by then."""
        for image in images:
            row = self.positions[image]
            # Most of what is missing was never written: nothing of it is read.
            if not self.marked[row] or self.marked[row] != self._mark(
                image, crc32(self.data[row])
            ):
                yield image

    def put(self, image: int, view: int, features: NDArray[np.float16]) -> None:
        """Writes one view of an image, in their order, and marks the row with its last view."""
        assert self.data is not None
        data, row = features.tobytes(), self.positions[image]
        self._sum = crc32(data, self._sum if view else 0)
        last = view == self.shape[0] - 1
        entry = row * self.shape[0] + view
        self._write("features.npy", self.data.offset, entry, data, last)
        if last:
            mark = np.int64(self._mark(image, self._sum)).tobytes()
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

    def close(self) -> None:
        """Lets go of the maps."""
        self.data = self.marked = None

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
    missing, images, views = rows.missing(), len(rows.files), rows.shape[0]
    if not missing:
        rows.close()
        return
    rows.create(len(missing))
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
    rows.close()
    net.to("cpu")


def own_share_first(missing: Sequence[int]) -> list[int]:
    """Returns what is missing, beginning elsewhere in each of the processes that torchrun starts."""
    rank, world = (int(os.environ.get(name, default)) for name, default in RANKS)
    start = len(missing) * rank // world
    return [*missing[start:], *missing[:start]]
