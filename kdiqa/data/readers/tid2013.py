"""TID2013: synthetic distortions with references."""

from collections.abc import Iterator

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_lines, split_name, to_number
from kdiqa.data.record import Record
from kdiqa.data.source import Facts


class TID2013(IQADataModule):
    """3 000 images of 512×384: 25 references, 24 distortions, 5 levels each, MOS in [0, 9].

    The layout: ``reference_images/I01.BMP``, ``distorted_images/i01_01_1.bmp`` (letter case is
    mixed), ``mos_with_names.txt``. Distortions 15 and 17 do not grow with their level.

    References:
        | Image database TID2013: Peculiarities, results and perspectives
        | (Ponomarenko et al., 2015)
        | https://doi.org/10.1016/j.image.2014.10.009
    """

    name = "tid2013"
    mos_range = (0.0, 9.0)
    homepage = "https://www.ponomarenko.info/tid2013.htm"
    licence = "scientific, non-commercial use, cite the paper"
    layout = (
        "reference_images/I01.BMP … i25.bmp",
        "distorted_images/i01_01_1.bmp … i25_24_5.bmp",
        "mos_with_names.txt",
    )
    facts = Facts(3000, 0.2424, 7.2143, 4.4747, contents=25)

    def read(self) -> Iterator[Record]:
        """Yields the images that ``mos_with_names.txt`` lists; the content is the reference."""
        path = self.table("mos_with_names.txt")
        for line, text in read_lines(path):
            score, _, name = text.partition(" ")
            content, distortion, level = split_name(name.strip(), path, line)
            yield Record(
                image=self.files.path(f"distorted_images/{name.strip()}"),
                mos=to_number(score, path, line),
                content=content,
                reference=self.files.path(f"reference_images/{content}.bmp"),
                distortion=distortion,
                level=level,
            )
