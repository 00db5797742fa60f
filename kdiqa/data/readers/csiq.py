"""CSIQ: synthetic distortions with references, scores from a laboratory study."""

from collections.abc import Iterator
from pathlib import Path

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_lines, row_error, to_number
from kdiqa.data.readers.tables import read_xlsx
from kdiqa.data.record import Record
from kdiqa.data.source import Facts

WORKBOOKS = ("csiq.DMOS.xlsx", "csiq.beta.xlsx")  # as published, and the beta before
TEXT = "csiq_label.txt"  # of the repack that later codes pass on, rounded to six decimals
TYPES = {"noise": "AWGN", "blur": "BLUR", "jpeg": "JPEG", "jpeg 2000": "jpeg2000"}
"""What the workbook calls distortions whose images are called otherwise."""

DISTORTIONS = ("awgn", "blur", "contrast", "fnoise", "jpeg", "jpeg2000")


class CSIQ(IQADataModule):
    """866 images of 512×512: 30 references, six distortions, up to five levels.

    DMOS in [0, 1]: the lower, the better. The layout: ``src_imgs/1600.png``,
    ``dst_imgs/awgn/1600.AWGN.1.png``, ``csiq.DMOS.xlsx``. Repacks have all distorted images in
    ``dst_imgs`` or in ``dst_imgs_all``, and ``csiq_label.txt``, which is read where there is no
    workbook.

    References:
        | Most apparent distortion: full-reference image quality assessment and the role of strategy
        | (Larson and Chandler, 2010), https://doi.org/10.1117/1.3267105
    """

    name = "csiq"
    mos_range = (0.0, 1.0)
    lower_is_better = True
    homepage = "https://s2.smu.edu/~eclarson/csiq.html"
    licence = "research use, cite the paper"
    layout = (
        "src_imgs/1600.png … woman.png",
        "dst_imgs/awgn/1600.AWGN.1.png …",
        *(f"dst_imgs/{folder}/…" for folder in DISTORTIONS[1:]),
        WORKBOOKS[0],
    )
    facts = Facts(866, 0.0, 1.0, 0.3507, contents=30)

    def read(self) -> Iterator[Record]:
        """Yields the images that the label file lists; the content is the reference."""
        for path, line, name, score in self._rows():
            parts = name.rsplit(".", 3)
            distortion = parts[1].casefold() if len(parts) == 4 else ""
            if distortion not in DISTORTIONS or not parts[2].isdecimal():
                fault = f"{name!r} is not named content.distortion.level.png, with a distortion of"
                raise row_error(path, line, f"{fault}\n{', '.join(DISTORTIONS)}")
            folders = (f"dst_imgs/{distortion}", distortion, "dst_imgs", "dst_imgs_all")
            yield Record(
                image=self.files.path(*(f"{folder}/{name}" for folder in folders)),
                mos=to_number(score, path, line),
                content=parts[0].casefold(),
                reference=self.files.path(f"src_imgs/{parts[0]}.png"),
                distortion=distortion,
                level=int(parts[2]),
            )

    def _rows(self) -> Iterator[tuple[Path, int, str, str]]:
        """Yields file and line of each label, the image's name, and its score."""
        text = self.files.find(TEXT)
        if text is not None and self.files.find(*WORKBOOKS) is None:
            for line, row in read_lines(text):
                name, *rest = row.split()
                yield text, line, name, " ".join(rest)
            return
        book = self.table(*WORKBOOKS)
        columns = ["image", "dst_type", "dst_lev", "dmos"]
        for line, cells in read_xlsx(book, columns, "all_by_image", header_row=4):
            image, distortion, level, score = (cells[column] for column in columns)
            yield book, line, f"{image}.{TYPES.get(distortion, distortion)}.{level}.png", score
