"""LIVE, release 2: synthetic distortions with references, scores from a laboratory study."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import to_number
from kdiqa.data.readers.tables import read_mat
from kdiqa.data.record import Record
from kdiqa.data.source import Facts
from kdiqa.runtime.words import check_word

FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
"""How many images each distortion has; the label files list them in this order."""

Label = Literal["realigned", "raw"]
SCORES = {"realigned": ("dmos_realigned.mat", "dmos_new"), "raw": ("dmos.mat", "dmos")}


class LIVE(IQADataModule):
    """779 images: 29 references, five distortions. DMOS: the lower, the better.

    The layout: ``refimgs/*.bmp``, ``jp2k/img1.bmp`` … ``fastfading/img174.bmp``, label files next
    to them. The label files list 982 images, of which 203 are the references once more (``orgs`` is
    1): those are left out. ``dmos_realigned.mat`` is a download of its own.

    Args:
        label: ``realigned``, which one more study brought to one scale across the sessions, or
            ``raw``, the scores before that.
        options: Those of :class:`kdiqa.data.datamodule.IQADataModule`.

    References:
        | A Statistical Evaluation of Recent Full Reference Image Quality Assessment Algorithms
        | (Sheikh et al., 2006), https://doi.org/10.1109/TIP.2006.881959
    """

    name = "live"
    lower_is_better = True
    homepage = "https://live.ece.utexas.edu/research/quality/subjective.htm"
    licence = "research use, keep the copyright notice, cite the papers"
    layout = (
        "refimgs/bikes.bmp …",
        *(f"{folder}/img1.bmp … img{count}.bmp" for folder, count in FOLDERS.items()),
        *("dmos.mat", "dmos_realigned.mat", "refnames_all.mat"),
    )

    def __init__(
        self, root: str | Path | None = None, *, label: Label = "realigned", **options: Any
    ) -> None:
        check_word("label", label, Label)
        realigned = label == "realigned"
        self.mos_range = (-5.0, 115.0) if realigned else (0.0, 115.0)
        numbers = (-2.64, 111.7747, 48.5812) if realigned else (17.9024, 84.489, 44.7655)
        self.facts = Facts(779, *numbers, contents=29)
        self.label_name = label
        super().__init__(root, **options)

    def read(self) -> Iterator[Record]:
        """Yields the distorted images; the content is the reference."""
        file, column = SCORES[self.label_name]
        path, names = self.table(file), self.table("refnames_all.mat")
        scores = list(read_mat(path, [column, "orgs"]))
        references = [row["refnames_all"] for _, row in read_mat(names, ["refnames_all"])]
        images = [(folder, i) for folder, count in FOLDERS.items() for i in range(1, count + 1)]
        for table, rows in ((path, len(scores)), (names, len(references))):
            if rows != len(images):
                raise ValueError(
                    f"'{table}' lists {rows} images, but LIVE has {len(images)}. "
                    "Restore the authors' file."
                )
        for (number, row), reference, (folder, i) in zip(scores, references, images, strict=True):
            if not float(row["orgs"]):
                yield Record(
                    image=self.files.path(f"{folder}/img{i}.bmp"),
                    mos=to_number(row[column], path, number),
                    content=Path(reference).stem.casefold(),
                    reference=self.files.path(f"refimgs/{reference}"),
                    distortion=folder,
                )
