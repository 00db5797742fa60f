"""BIQ2021: authentic distortions, scores from a laboratory study."""

from collections.abc import Iterator

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_csv, to_number
from kdiqa.data.record import Record


class BIQ2021(IQADataModule):
    """12 000 images of 512×512 with an official train and test split, MOS in [0, 1].

    The layout: ``Images/*.jpg``, ``Train (Images and MOS).csv``, ``Test (Images and MOS).csv``.

    References:
        | BIQ2021: A Large-scale Blind Image Quality Assessment Database (Ahmed and Asif, 2022)
        | https://doi.org/10.1117/1.JEI.31.5.053010
    """

    name = "biq2021"
    mos_range = (0.0, 1.0)
    homepage = "https://github.com/nisarahmedrana/BIQ2021"
    licence = "research use, cite the paper"
    layout = ("Images/ss01 (1).jpg …", "Train (Images and MOS).csv", "Test (Images and MOS).csv")
    split_by = "official"

    def read(self) -> Iterator[Record]:
        """Yields the images of both lists; every image is a content of its own.

        What stands for a distortion is the source, ``ss01`` to ``ss03``: their scores lie on three
        scales, and a correlation over all of them is in part one between sources.
        """
        for split in ("train", "test"):
            path = self.table(f"{split.capitalize()} (Images and MOS).csv")
            for line, row in read_csv(path, ["Image Name", "MOS"]):
                name = row["Image Name"]
                yield Record(
                    image=self.files.path(f"Images/{name}"),
                    mos=to_number(row["MOS"], path, line),
                    content=name.casefold(),
                    distortion=name.casefold().partition(" ")[0],
                    split=split,
                )
