"""Real photographs that need no download, distorted and labelled on the spot."""

import csv
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage
import torch
from numpy.typing import NDArray
from rich.progress import track
from torchmetrics.functional.image import visual_information_fidelity

from kdiqa.data.crops import Crops
from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.images.read import read_rgb
from kdiqa.data.pairs.pairing import write_image
from kdiqa.data.readers.files import read_csv, to_number
from kdiqa.data.record import Record
from kdiqa.data.seeds import derive_seed
from kdiqa.distortions.kadid import distort
from kdiqa.distortions.pixels import to_uint8

Image = NDArray[np.uint8]
VERSION = 1  # raise it when the same settings make other images or scores
SHORT_SIDE = 256  # of a photograph, in pixels, before it is cut into tiles
SHRINK = 0.55  # at least: what a camera or scanner blurred is then sharp, alike in all of them
COLUMNS = ("image", "mos", "ref", "distortion", "level", "content")

# Files inside scikit-image's wheel, with their subsets: scenes are tested, textures train.
PHOTOS: Mapping[str, str] = {
    "astronaut.png": "test",
    "brick.png": "train",
    "camera.png": "val",
    "chelsea.png": "train",
    "coffee.png": "test",
    "coins.png": "val",
    "grass.png": "train",
    "gravel.png": "train",
    "hubble_deep_field.jpg": "train",
    "ihc.png": "train",
    "moon.png": "train",
    "motorcycle_left.png": "test",
    "retina.jpg": "train",
    "rocket.jpg": "val",
}
KINDS = (
    *("gaussian_blur", "jpeg2000", "jpeg", "white_noise"),
    *("impulse_noise", "multiplicative_noise", "pixelate"),
)


class Demo(IQADataModule):
    """Tiles of scikit-image's photographs under KADID-10k distortions, five levels each.

    The scores are no human scores but *pseudo scores*: the visual information fidelity
    (VIF, pixel domain) of each tile to its pristine original, from torchmetrics, cut to [0, 1].
    All tiles of a photograph are of one content. The first run makes the data set, later ones find
    it: PNG files and ``labels.csv`` in a folder named by all that they depend on.

    Args:
        root: Folder of data sets of this kind.
        photos: Files of scikit-image's data folder, each with its subset; they count with
            ``split_by="official"``.
        kinds: Names of the distortions.
        levels: Which of their levels, 1 to 5.
        tile: Side of an image in pixels; VIF needs 41.
        options: As for :class:`IQADataModule`.

    References:
        | Image information and visual quality (Sheikh and Bovik, 2006)
        | https://doi.org/10.1109/TIP.2005.859378
    """

    name = "demo"
    mos_range = (0.0, 1.0)
    homepage = "https://scikit-image.org"
    licence = "each photograph's own: see the documentation of skimage.data"
    layout = ("images/*.png", "references/*.png", "labels.csv")
    split_by = "official"

    def __init__(
        self,
        root: str | Path,
        *,
        photos: Mapping[str, str] = PHOTOS,
        kinds: Sequence[str] = KINDS,
        levels: Sequence[int] = (1, 2, 3, 4, 5),
        tile: int = 128,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        self.photos, self.kinds, self.levels, self.tile = dict(photos), kinds, levels, tile
        self.root = Path(root).expanduser() / self._key()

    def prepare_data(self) -> None:
        """Makes the data set where it is not there yet; on one process of a node."""
        assert self.root is not None
        if self.root.is_dir():
            return
        self.root.parent.mkdir(parents=True, exist_ok=True)
        # Renamed when it is complete: what an interruption leaves is never taken for a data set.
        with tempfile.TemporaryDirectory(dir=self.root.parent, prefix="unfinished-") as folder:
            self._make(Path(folder, "demo"))
            try:
                Path(folder, "demo").rename(self.root)
            except OSError:
                if not self.root.is_dir():  # else another process was faster, with the same result
                    raise

    def setup(self, stage: str | None = None) -> None:
        """Reads the data set; makes it first where nobody has."""
        self.prepare_data()
        super().setup(stage)

    def read(self) -> Iterator[Record]:
        """Yields the images that ``labels.csv`` lists."""
        path = self.table("labels.csv")
        for line, row in read_csv(path, COLUMNS):
            yield Record(
                image=self.files.path(row["image"]),
                mos=to_number(row["mos"], path, line),
                content=row["content"],
                reference=self.files.path(row["ref"]),
                distortion=row["distortion"],
                level=int(row["level"]),
                split=self.photos[row["content"]],
            )

    def _key(self) -> str:
        settings = [VERSION, sorted(self.photos), list(self.kinds), list(self.levels), self.tile]
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:12]

    def _make(self, folder: Path) -> None:
        """Writes all images, and their labels last."""
        for name in ("images", "references"):
            (folder / name).mkdir(parents=True)
        tiles = [tile for photo in self.photos for tile in self._tiles(photo)]
        with ThreadPoolExecutor() as pool:
            distorted = pool.map(lambda tile: self._distorted(folder, *tile), tiles)
            each = track(distorted, "Distorting photographs, once", len(tiles))
            rows = [row for of_one in each for row in of_one]
        with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *rows])

    def _tiles(self, photo: str) -> list[tuple[str, str, Image]]:
        """Returns name, content and pixels of the tiles of a photograph, side by side."""
        image = read_rgb(Path(skimage.__file__).parent / "data" / photo)
        scale = min(SHRINK, SHORT_SIDE / min(image.shape[:2]))
        small: Any = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        count = round(small.shape[0] * small.shape[1] / self.tile**2)
        tiles = Crops(max(count, 1), self.tile, "grid")({"image": small}, seed=0)["image"]
        return [(f"{Path(photo).stem}_{i}", photo, tile) for i, tile in enumerate(tiles)]

    def _distorted(self, folder: Path, name: str, content: str, tile: Image) -> list[list[str]]:
        """Writes a tile and all its distorted versions, and returns the latters' labels."""
        reference, rows = f"references/{name}.png", []
        write_image(folder / reference, tile)
        for kind, level in product(self.kinds, self.levels):
            file = f"images/{name}_{kind}_{level}.png"
            rng = np.random.default_rng(derive_seed(file))
            image = to_uint8(distort(tile / 255.0, kind, level, rng, mapmm=False))
            write_image(folder / file, image)
            score = f"{fidelity(image, tile):.6f}"
            rows.append([file, score, reference, kind, str(level), content])
        return rows


def fidelity(image: Image, reference: Image) -> float:
    """Returns the VIF of two images' luminance, cut to [0, 1]; higher is better.

    Example:
        >>> image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        >>> fidelity(image, image), round(fidelity(image // 2, image), 2) < 1
        (1.0, True)
    """
    pair = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (image, reference)]
    distorted, pristine = (torch.from_numpy(grey)[None, None].float() for grey in pair)
    return min(max(float(visual_information_fidelity(distorted, pristine)), 0.0), 1.0)
