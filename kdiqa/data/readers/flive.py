"""FLIVE, also called PaQ-2-PiQ or LIVE-FB: authentic distortions, crowdsourced scores."""

from collections.abc import Iterator
from pathlib import Path

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_csv, to_number
from kdiqa.data.record import Record

TEST, TRAINING = "labels640.csv", "labels=640_padded.csv"


class FLIVE(IQADataModule):
    """39 810 images, MOS in [0, 100]; the patches that were rated too are left out.

    The layout: ``labels_image.csv``, the images in the folders it names, below the root or
    below ``database``. The official test split is what ``labels640.csv`` lists; validation is what
    ``labels=640_padded.csv`` marks in its column ``is_valid``; all others train. Without the
    first there is no official split, without the second validation is carved from training.

    References:
        | From Patches to Pictures (PaQ-2-PiQ): Mapping the Perceptual Space of Picture Quality
        | (Ying et al., 2020), https://doi.org/10.1109/CVPR42600.2020.00363
    """

    name = "flive"
    mos_range = (0.0, 100.0)
    homepage = "https://github.com/baidut/PaQ-2-PiQ"
    licence = "research use, cite the paper"
    layout = (
        "database/voc_emotic_ava/*.jpg",
        "database/blur_dataset/*.jpg",
        "database/EE371R/*.jpg",
        "database/labels_image.csv",
        f"database/{TEST}",
        f"database/{TRAINING}",
    )
    split_by = "official"

    def read(self) -> Iterator[Record]:
        """Yields the images; each is a content of its own."""
        subsets = self._subsets()
        path = self._locate("labels_image.csv") or self.table("labels_image.csv")
        for line, row in read_csv(path, ["name", "mos"]):
            name = row["name"]
            yield Record(
                image=self._locate(name) or self.files.path("database", name),
                mos=to_number(row["mos"], path, line),
                content=name.casefold(),
                split=subsets.get(name.casefold(), "train") if subsets else None,
            )

    def _locate(self, name: str) -> Path | None:
        """Returns a file below the root, below ``database``, or below one folder around that."""
        return self.files.find(name) or self.files.find("database", name)

    def _subsets(self) -> dict[str, str]:
        """Returns the images that do not train, each with its subset; none where that is not known."""
        test, training = self._locate(TEST), self._locate(TRAINING)
        if test is None:
            return {}
        subsets = {}
        if training is not None:
            for _, row in read_csv(training, ["name_image", "is_valid"]):
                if row["is_valid"].casefold() in ("true", "1"):
                    subsets[row["name_image"].casefold()] = "val"
        names = read_csv(test, ["name_image"])
        return subsets | {row["name_image"].casefold(): "test" for _, row in names}
