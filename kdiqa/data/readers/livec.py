"""LIVE In the Wild Image Quality Challenge: authentic distortions, crowdsourced scores."""

from collections.abc import Iterator

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import to_number
from kdiqa.data.readers.tables import read_mat
from kdiqa.data.record import Record
from kdiqa.data.source import Facts

TRAINING = [f"t{i}.bmp" for i in range(1, 8)]  # shown to each observer first, to explain the task
IMAGES, SCORES = "AllImages_release", "AllMOS_release"


class LIVEChallenge(IQADataModule):
    """1 162 images, most of 500×500, MOS in [0, 100].

    The layout: ``Images/*.bmp`` and ``Images/*.JPG``, ``Data/AllImages_release.mat``,
    ``Data/AllMOS_release.mat``. The files list 1 169 images; the first seven trained the observers
    and are left out.

    References:
        | Massive Online Crowdsourced Study of Subjective and Objective Picture Quality
        | (Ghadiyaram and Bovik, 2016), https://doi.org/10.1109/TIP.2015.2500021
    """

    name = "livec"
    mos_range = (0.0, 100.0)
    homepage = "https://live.ece.utexas.edu/research/ChallengeDB/index.html"
    licence = "research use, keep the copyright notice, cite the papers"
    layout = (
        *(
            "Images/100.bmp … 1164.bmp",
            "Images/533.JPG …",
            "Images/trainingImages/t1.bmp … t7.bmp",
        ),
        *("Data/AllImages_release.mat", "Data/AllMOS_release.mat"),
    )
    facts = Facts(1162, 3.42, 92.432, 55.4013)

    def read(self) -> Iterator[Record]:
        """Yields the images; each is a content of its own."""
        listed, path = (self.table(f"Data/{array}.mat") for array in (IMAGES, SCORES))
        names = [row[IMAGES] for _, row in read_mat(listed, [IMAGES])]
        scores = list(read_mat(path, [SCORES]))
        if len(names) != len(scores):
            raise ValueError(
                f"'{listed}' lists {len(names)} images and '{path}'\n{len(scores)} scores. "
                "Restore the authors' files: each image has one score."
            )
        first = [name.casefold() for name in names[: len(TRAINING)]]
        if first != TRAINING:
            raise ValueError(
                f"'{listed}' begins with {', '.join(first)!r}, but should with the seven training "
                f"images\n{', '.join(TRAINING)!r}. Restore the authors' file."
            )
        for name, (number, row) in list(zip(names, scores, strict=True))[len(TRAINING) :]:
            mos = to_number(row[SCORES], path, number)
            yield Record(self.files.path(f"Images/{name}"), mos, name.casefold())
