"""SPAQ: smartphone photos, scores from a laboratory study."""

from collections.abc import Iterator

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import to_number
from kdiqa.data.readers.tables import read_xlsx
from kdiqa.data.record import Record
from kdiqa.data.source import Facts

LABELS = "Annotations/MOS and Image attribute scores.xlsx"


class SPAQ(IQADataModule):
    """11 125 photos of 66 smartphones in their full size, MOS in [0, 100].

    The layout: ``TestImage/00001.jpg`` and ``Annotations/MOS and Image attribute scores.xlsx``.
    The authors bring the short side to 512 pixels before they crop, and so does
    ``conf/data/spaq.yaml``. There is no official split.

    References:
        | Perceptual Quality Assessment of Smartphone Photography (Fang et al., 2020)
        | https://doi.org/10.1109/CVPR42600.2020.00373
    """

    name = "spaq"
    mos_range = (0.0, 100.0)
    homepage = "https://github.com/h4nwei/SPAQ"
    licence = "educational and research use, cite the paper"
    layout = ("TestImage/00001.jpg … 11125.jpg", LABELS)
    facts = Facts(11125, 2.0, 96.0, 50.318)
    split_by = "image"

    def read(self) -> Iterator[Record]:
        """Yields all images; every image is a content of its own."""
        path = self.table(LABELS)
        for line, row in read_xlsx(path, ["Image name", "MOS"]):
            image = self.files.path(f"TestImage/{row['Image name']}")
            yield Record(image, to_number(row["MOS"], path, line), row["Image name"].casefold())
