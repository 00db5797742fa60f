"""AGIQA-3K: generated images, scores from a laboratory study."""

from collections.abc import Iterator

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_csv, to_number
from kdiqa.data.record import Record


class AGIQA3K(IQADataModule):
    """2 982 images of six generators from the same prompts, MOS of quality in [0, 5].

    The layout: ``AttnGAN_normal_000.jpg`` and all other images next to ``data.csv``, or in one
    folder next to it. Only their quality is read, not how well they follow the prompt.

    The content is what the prompt asks for, up to its first comma (our interpretation): several
    generators show the same subject, which must not stand on two sides of a split.

    References:
        | AGIQA-3K: An Open Database for AI-Generated Image Quality Assessment (Li et al., 2023)
        | https://doi.org/10.1109/TCSVT.2023.3319020
    """

    name = "agiqa3k"
    mos_range = (0.0, 5.0)
    homepage = "https://github.com/lcysyzxdxc/AGIQA-3k-Database"
    licence = "MIT, cite the paper"
    layout = ("AttnGAN_normal_000.jpg …", "data.csv")

    def read(self) -> Iterator[Record]:
        """Yields the images that ``data.csv`` lists."""
        path = self.table("data.csv")
        images = {image.name.casefold(): image for image in self.files}
        for line, row in read_csv(path, ["name", "prompt", "mos_quality"]):
            name, subject = row["name"], row["prompt"].partition(",")[0].strip()
            image = images.get(name.casefold(), self.files.path(name))
            mos = to_number(row["mos_quality"], path, line)
            yield Record(image, mos, (subject or name).casefold())
