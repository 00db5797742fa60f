"""PIPAL: outputs of restoration algorithms, scores by pairwise comparison."""

import re
from collections.abc import Iterator

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_lines, split_name, to_number
from kdiqa.data.record import Record
from kdiqa.data.source import DatasetNotFoundError, Facts

# As the archives unpack, and the one folder into which others gather their images.
FOLDERS = (*(f"Distortion_{i}" for i in range(1, 5)), "Dist_Imgs")


class PIPAL(IQADataModule):
    """23 200 images of 288×288: 200 references, 116 distorted versions each, Elo scores.

    The layout: ``Train_Ref/A0001.bmp``, ``Distortion_1/A0001_00_00.bmp`` to ``Distortion_4``, or
    all of them in ``Dist_Imgs``, and ``Train_Label/A0001.txt``, one list of names and scores for
    each reference. In the names, the first number is the kind of distortion and the second counts
    its versions. The scores rise with quality. The challenges' own validation and test parts have
    no public labels: this is split by content.

    References:
        | PIPAL: a Large-Scale Image Quality Assessment Dataset for Perceptual Image Restoration
        | (Gu et al., 2020), https://doi.org/10.1007/978-3-030-58621-8_37
    """

    name = "pipal"
    mos_range = (900.0, 1850.0)
    homepage = "https://github.com/HaomingCai/PIPAL-dataset"
    licence = "research use, cite the paper"
    layout = (
        "Train_Ref/A0001.bmp …",
        "Distortion_1/A0001_00_00.bmp … (and Distortion_2, 3, 4)",
        "Train_Label/A0001.txt …",
    )
    facts = Facts(23200, 916.7136, 1835.9856, 1448.9596, contents=200)

    def read(self) -> Iterator[Record]:
        """Yields the images that the lists of ``Train_Label`` name; the content is the reference."""
        lists = [p for p in self.files if re.search(r"(?i)/train_label/[^/]+\.txt$", p.as_posix())]
        if not lists:
            lack = "lacks 'Train_Label/A0001.txt' and all other labels"
            raise DatasetNotFoundError(self.source, lack)
        for path, line, text in ((file, *row) for file in lists for row in read_lines(file)):
            name, _, score = (cell.strip() for cell in text.partition(","))
            content, distortion, level = split_name(name, path, line)
            yield Record(
                image=self.files.path(*(f"{folder}/{name}" for folder in FOLDERS)),
                mos=to_number(score, path, line),
                content=content,
                reference=self.files.path(f"Train_Ref/{content.upper()}.bmp"),
                distortion=distortion,
                level=level,
            )
