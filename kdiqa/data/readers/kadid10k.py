"""KADID-10k: synthetic distortions with references, crowdsourced scores."""

from collections.abc import Iterator

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_csv, split_name, to_number
from kdiqa.data.record import Record
from kdiqa.data.source import Facts


class KADID10k(IQADataModule):
    """10 125 images of 512×384: 81 references, 25 distortions, 5 levels each.

    The layout: ``images/I01.png``, ``images/I01_01_01.png``, ``dmos.csv``. The authors call the
    scores DMOS, yet they rise with quality, from 1 to 5.

    References:
        | KADID-10k: A Large-scale Artificially Distorted IQA Database (Lin et al., 2019)
        | https://doi.org/10.1109/QoMEX.2019.8743252
    """

    name = "kadid10k"
    mos_range = (1.0, 5.0)
    homepage = "https://database.mmsp-kn.de/kadid-10k-database.html"
    licence = "research use, cite the paper"
    layout = ("images/I01.png … I81.png", "images/I01_01_01.png … I81_25_05.png", "dmos.csv")
    facts = Facts(10125, 1.0, 4.93, 3.0326, contents=81)

    def read(self) -> Iterator[Record]:
        """Yields the images that ``dmos.csv`` lists; the content is the reference."""
        path = self.table("dmos.csv")
        for line, row in read_csv(path, ["dist_img", "ref_img", "dmos"]):
            content, distortion, level = split_name(row["dist_img"], path, line)
            yield Record(
                image=self.files.path(f"images/{row['dist_img']}"),
                mos=to_number(row["dmos"], path, line),
                content=content,
                reference=self.files.path(f"images/{row['ref_img']}"),
                distortion=distortion,
                level=level,
            )
