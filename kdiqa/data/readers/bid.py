"""BID, the blurred image database: realistic blur, scores from a laboratory study."""

from collections.abc import Iterator

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import row_error, to_number
from kdiqa.data.readers.tables import read_xlsx
from kdiqa.data.record import Record
from kdiqa.data.source import Facts

GRADES = ("DatabaseGrades.xlsx", "DatabaseGrades.xls")
NUMBER, SCORE = "Image Number", "Average Subjective Grade"


class BID(IQADataModule):
    """586 photos of several megapixels, MOS in [0, 5].

    The layout: ``ImageDatabase/DatabaseImage0001.JPG`` (or in the root), ``DatabaseGrades.xlsx``
    (or ``.xls``). The images' numbers run to 590: four of them are not used.

    References:
        | No-reference blur assessment of digital pictures based on multifeature classifiers
        | (Ciancio et al., 2011), https://doi.org/10.1109/TIP.2010.2053549
    """

    name = "bid"
    mos_range = (0.0, 5.0)
    homepage = "http://www02.smt.ufrj.br/~eduardo/ImageDatabase.htm"
    licence = "research use, cite the paper"
    layout = ("ImageDatabase/DatabaseImage0001.JPG … DatabaseImage0590.JPG", GRADES[0])
    facts = Facts(586, 0.1638, 4.9198, 2.9527)

    def read(self) -> Iterator[Record]:
        """Yields the images; each is a content of its own."""
        path = self.table(*GRADES)
        for line, row in read_xlsx(path, [NUMBER, SCORE]):
            if not row[NUMBER].isdecimal():
                raise row_error(path, line, f"{row[NUMBER]!r} is no image number")
            name = f"DatabaseImage{int(row[NUMBER]):04d}.JPG"
            image = self.files.path(f"ImageDatabase/{name}", name)
            yield Record(image, to_number(row[SCORE], path, line), name.casefold())
