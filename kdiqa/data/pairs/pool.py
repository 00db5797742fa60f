"""Pristine images of something else: non-aligned references, and banks of them."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdiqa.data.crops import Crops
from kdiqa.data.images.formats import SUFFIXES
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.pairing import Pairing
from kdiqa.data.record import Record
from kdiqa.data.seeds import SeedMode, derive_seed
from kdiqa.runtime.words import check_word

Image = NDArray[np.uint8]
DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"
WHERE = (
    "Give the folder that holds them:\nkdiqa.load(RUN, pool=FOLDER), kdiqa predict --pool FOLDER,"
    " or kdiqa evaluate pool=FOLDER."
)


class Pool(Pairing):
    """A pristine image of something else, drawn from a folder: a non-aligned reference.

    Training draws from all images of the pool. Evaluation draws one for each image too or, with a bank,
    compares every image with all K images of the bank: its score is the mean over them.

    Args:
        folder: Holds the images, at any depth; all of them count as pristine.
        crops: How they are cropped in training.
        seed_mode: ``per_epoch`` draws a new one for each image in every epoch of training and
            always the same one in evaluation.
        bank: How many images K are the bank, or their names below the folder; None for no bank.
        bank_seed: Which K images those are. The choice goes by their names alone.
        digest: Of the bank's files, as a checkpoint has it: other files are refused.
    """

    aligned, draws = False, True

    def __init__(
        self,
        folder: str | Path,
        crops: Crops | None = None,
        seed_mode: SeedMode = "per_epoch",
        bank: int | Sequence[str] | None = None,
        bank_seed: int = 0,
        digest: str | None = None,
    ) -> None:
        check_word("seed_mode", seed_mode, SeedMode)
        self.folder, self.crops, self.seed_mode = Path(folder).expanduser(), crops, seed_mode
        self.bank, self.bank_seed, self.digest = bank, bank_seed, digest
        self.images = sorted(images_below(self.folder), key=self._name)

    def __call__(self, image: Image, record: Record, seed: int) -> Image:
        """Returns one image of the pool."""
        return read_rgb(self.images[self.index(seed)])

    def index(self, seed: int) -> int:
        """Returns which of the images a seed draws."""
        return derive_seed(seed) % len(self.images)

    def check(self, records: Sequence[Record]) -> None:
        """Refuses an empty pool, and a bank that it does not hold."""
        if isinstance(self.bank, Sequence):
            self._check_names(self.bank)
        elif not self.images:
            raise ValueError(
                f"No image in '{self.folder}' for non-aligned references. Unpack pristine "
                f"photographs there,\nfor instance DIV2K_train_HR from {DIV2K}\nor set pool to "
                "the folder where they are."
            )
        elif self.bank is not None and not 1 <= self.bank <= len(self.images):
            raise ValueError(
                f"A bank of {self.bank} images cannot be chosen from the {len(self.images)} in "
                f"'{self.folder}'. Set bank to 1 to {len(self.images)}, or bank: null."
            )

    def files(self, records: Sequence[Record]) -> list[Path]:
        """Returns the images of the pool."""
        return self.images

    def evaluated(self) -> Pairing | None:
        """Returns this pool, or nothing where all images share a bank."""
        return self if self.bank is None else None

    def records(self) -> list[Record]:
        """Returns all images of the pool."""
        return [self._record(path) for path in self.images]

    def references(self) -> list[Record] | None:
        """Returns the images of the bank, None without one."""
        return None if self.bank is None else [self._record(path) for path in self.chosen()]

    def chosen(self) -> list[Path]:
        """Returns the images of the bank, in the order of their names."""
        if isinstance(self.bank, Sequence):
            held = {self._name(path): path for path in self.images}
            return [held[name] for name in self.bank]
        order = sorted(self.images, key=lambda p: derive_seed(self.bank_seed, self._name(p)))
        return sorted(order[: self.bank], key=self._name)

    def metadata(self) -> dict[str, Any]:
        """Returns what a checkpoint holds of the bank: the images' names, and their digest."""
        chosen = self.chosen()
        hashed = hashlib.sha256()
        for path in chosen:
            hashed.update(hashlib.sha256(path.read_bytes()).digest())
        return {"ids": [self._name(p) for p in chosen], "digest": hashed.hexdigest()[:16]}

    def _check_names(self, names: Sequence[str]) -> None:
        held = {self._name(path) for path in self.images}
        missing = [name for name in names if name not in held]
        if missing:
            raise FileNotFoundError(
                f"{len(missing)} of the {len(names)} references of the bank are not in"
                f" '{self.folder}', the first is '{missing[0]}'. {WHERE}"
            )
        if self.digest is not None and self.metadata()["digest"] != self.digest:
            raise ValueError(
                f"The bank's {len(names)} references in '{self.folder}' bear the right names and"
                f" are other files (digest {self.metadata()['digest']}, not {self.digest}). {WHERE}"
            )

    def _record(self, path: Path) -> Record:
        return Record(path, 0.0, self._name(path))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def images_below(folder: Path) -> list[Path]:
    """Returns the image files below a folder, at any depth, in the order of their paths."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def bank_metadata(pairs: Mapping[str, Pairing]) -> dict[str, dict[str, Any]]:
    """Returns what a checkpoint holds of the banks among pairings, by their names."""
    pools = {name: pair for name, pair in pairs.items() if isinstance(pair, Pool)}
    return {name: pool.metadata() for name, pool in pools.items() if pool.bank is not None}


def with_banks(
    nodes: Mapping[str, Any], banks: Mapping[str, Mapping[str, Any]], folder: str | Path | None
) -> dict[str, Any]:
    """Returns the configuration of pairings with the very references of a checkpoint's banks.

    They are looked for in the folder, or where they were in the run.

    Raises:
        ValueError: If a bank is of no pool.
    """
    configs = dict(nodes)
    for name, bank in banks.items():
        if not nodes.get(name) or "folder" not in nodes[name]:
            raise ValueError(f"A bank of references is stored for '{name}', which is no pool.")
        own = {"bank": bank["ids"], "digest": bank["digest"]}
        configs[name] = {**nodes[name], "folder": str(folder or nodes[name]["folder"]), **own}
    return configs
