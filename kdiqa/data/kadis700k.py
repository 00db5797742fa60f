"""KADIS-700k: pristine images, and the plan by which its users distort them themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdiqa.data.images.read import check_image, read_rgb, write_image
from kdiqa.data.readers.files import read_csv, row_error
from kdiqa.data.seeds import derive_seed
from kdiqa.distortions.kadid import distort
from kdiqa.distortions.pixels import to_float, to_uint8

HOMEPAGE = "https://database.mmsp-kn.de/kadid-10k-database.html"
PLAN = "kadis700k_ref_imgs.csv"
LEVELS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Planned:
    """A pristine image with the one distortion that the authors' plan gives it, at five levels."""

    reference: Path
    kind: int  # the number of the distortion, 1 to 25

    def stem(self, level: int) -> str:
        """Returns the name of a distorted image, without its suffix, as the authors name it.

        Example:
            >>> Planned(Path("ref_imgs/a.b.png"), 7).stem(2)
            'a_07_02'
        """
        return f"{self.reference.name.partition('.')[0]}_{self.kind:02d}_{level:02d}"


class KADISNotFoundError(FileNotFoundError):
    """KADIS-700k, or a part of it, is not where it was looked for; ``lack`` says what is wrong."""

    def __init__(self, root: Path, lack: str) -> None:
        super().__init__(
            f"KADIS-700k {lack} in '{root}'. Unpack it there from\n{HOMEPAGE}\nor give the folder "
            f"that holds 'ref_imgs' and '{PLAN}'."
        )


def read_plan(root: Path) -> list[Planned]:
    """Returns what ``kadis700k_ref_imgs.csv`` plans, in its order.

    The layout: ``ref_imgs/*.png`` (140 000 of 512×384) next to the plan. Its column
    ``dist_type_1`` counts, as in the authors' program: an image planned for both kinds of
    saturation, 7 and 8, gets 7.

    Raises:
        KADISNotFoundError: If the folder, the plan or images are missing.
        ValueError: If the plan names a distortion that there is none of.

    References:
        | KADID-10k: A Large-scale Artificially Distorted IQA Database (Lin et al., 2019)
        | https://doi.org/10.1109/QoMEX.2019.8743252
    """
    path = next((p for p in (root / PLAN, *sorted(root.glob(f"*/{PLAN}"))) if p.is_file()), None)
    if path is None:
        raise KADISNotFoundError(root, f"lacks '{PLAN}'")
    images = {
        file.name.casefold(): file
        for folder in path.parent.iterdir()
        if folder.name.casefold() == "ref_imgs"
        for file in folder.iterdir()
    }
    planned, missing = [], []
    for line, row in read_csv(path, ["ref_im", "dist_type_1"]):
        kind, name = row["dist_type_1"], row["ref_im"]
        if not kind.isdecimal() or not 1 <= int(kind) <= 25:
            raise row_error(path, line, f"{kind!r} is no distortion, 1 to 25")
        if name.casefold() in images:
            planned.append(Planned(images[name.casefold()], int(kind)))
        else:
            missing.append(name)
    if missing or not planned:
        lack = f"lacks {len(missing)} of {len(planned) + len(missing)} images"
        first = next(iter(missing), "")
        raise KADISNotFoundError(path.parent, f"{lack}, the first is 'ref_imgs/{first}',")
    return planned


def distorted_folder(plan: Sequence[Planned]) -> Path:
    """Returns where the authors' program writes: ``dist_imgs`` next to the references."""
    return plan[0].reference.parents[1] / "dist_imgs"


def write_distorted(planned: Planned, folder: Path, suffix: str, seed: int) -> int:
    """Writes those of an image's five distorted versions that are missing or cut short; returns how many.

    Each image depends on its reference, its name and the seed alone: in whatever order, by
    however many processes, the files are the same.

    Raises:
        ImageReadError: If the image cannot be read.
        OSError: If a file cannot be written.
    """
    files = {level: folder / f"{planned.stem(level)}.{suffix}" for level in LEVELS}
    missing = {level: path for level, path in files.items() if check_image(path) is not None}
    if missing:
        pristine = to_float(read_rgb(planned.reference))
        for level, path in missing.items():
            rng = np.random.default_rng(derive_seed(seed, planned.stem(level)))
            write_image(path, to_uint8(distort(pristine, planned.kind, level, rng)))
    return len(missing)
