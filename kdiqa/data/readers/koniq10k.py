"""KonIQ-10k: authentic distortions, crowdsourced scores."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_csv, to_number
from kdiqa.data.record import Record
from kdiqa.data.source import Facts
from kdiqa.runtime.words import check_word

SETS = "koniq10k_distributions_sets.csv"
SCORES = ("koniq10k_scores_and_distributions.csv", "koniq10k_scores.csv")
ImageSize = Literal["1024x768", "512x384"]
Label = Literal["mos_100", "mos_5"]
SUBSETS = {"training": "train", "validation": "val", "test": "test"}


class KonIQ10k(IQADataModule):
    """10 073 images in two sizes, with official train, validation and test splits.

    The layout: ``1024x768/*.jpg`` and ``512x384/*.jpg``, with one or both label files.
    ``koniq10k_distributions_sets.csv`` has the official split and MOS in [0, 100];
    ``koniq10k_scores_and_distributions.csv`` has MOS in [1, 5] and, in ``MOS_zscore``, the scores
    of the other file. With the second file alone there is no official split.

    Args:
        image_size: The folder of images to read.
        label: ``mos_100``, which the literature uses, or ``mos_5``.
        options: Those of :class:`kdiqa.data.datamodule.IQADataModule`.

    References:
        | KonIQ-10k: An Ecologically Valid Database for Deep Learning of Blind Image Quality
        | Assessment (Hosu et al., 2020), https://doi.org/10.1109/TIP.2020.2967829
    """

    name = "koniq10k"
    homepage = "https://database.mmsp-kn.de/koniq-10k-database.html"
    licence = "research use, cite the paper"
    layout = ("1024x768/*.jpg", "512x384/*.jpg", SETS, SCORES[0])
    split_by = "official"

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        image_size: ImageSize = "1024x768",
        label: Label = "mos_100",
        **options: Any,
    ) -> None:
        check_word("label", label, Label)
        check_word("image_size", image_size, ImageSize)
        self.mos_range = (0.0, 100.0) if label == "mos_100" else (1.0, 5.0)
        # The copies of the scores file that are about differ in their five-point means.
        self.facts = Facts(10073, 3.9118, 88.3889, 58.7296) if label == "mos_100" else None
        self.label_name = label
        self.image_size = image_size
        super().__init__(root, **options)

    def read(self) -> Iterator[Record]:
        """Yields all images; every image is a content of its own."""
        subsets = self._subsets()
        path, column = self._scores()
        for line, row in read_csv(path, ["image_name", column]):
            name = row["image_name"]
            yield Record(
                image=self.files.path(f"{self.image_size}/{name}"),
                mos=to_number(row[column], path, line),
                content=name.casefold(),
                split=subsets.get(name.casefold()),
            )

    def _subsets(self) -> dict[str, str]:
        path = self.files.find(SETS)
        if path is None:
            return {}
        rows = read_csv(path, ["image_name", "set"])
        return {row["image_name"].casefold(): SUBSETS.get(row["set"], "") for _, row in rows}

    def _scores(self) -> tuple[Path, str]:
        """Returns the label file to read and its column: ``MOS`` means two things in the two."""
        if self.label_name == "mos_5":
            return self.table(*SCORES), "MOS"
        path = self.table(SETS, *SCORES)
        return path, "MOS" if path == self.files.find(SETS) else "MOS_zscore"
