"""PIQ23: portraits taken with many smartphones, scores by pairwise comparison in each scene."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_csv, to_number
from kdiqa.data.record import Record
from kdiqa.runtime.words import check_word

Attribute = Literal["Overall", "Details", "Exposure"]
Official = Literal["scene", "device"]


class PIQ23(IQADataModule):
    """5 116 portraits of 50 scenes, one of three attributes at a time, JOD from -8 to 6.

    The layout: ``Overall/*.jpg``, ``Details/*.jpg``, ``Exposure/*.jpg``, ``Scores_Overall.csv``
    and so on, and the authors' two splits, ``Device Split.csv`` and ``Scene Split.csv``, which
    they publish next to their code. The content is the scene, by its exact name. Scores compare only
    within a scene: report with ``kdiqa report --within``, the median over scenes.

    Args:
        attribute: What was asked: ``Overall``, ``Details`` or ``Exposure``.
        official: Whose split ``split_by: official`` takes: ``scene``, which tests on scenes never
            trained on, or ``device``, which tests on other images of the same scenes: the leak
            check stops at that unless ``data.guard=warn``.
        options: Those of :class:`kdiqa.data.datamodule.IQADataModule`.

    References:
        | An Image Quality Assessment Dataset for Portraits (Chahine et al., 2023)
        | https://openaccess.thecvf.com (CVPR 2023, pp. 9968-9978)
    """

    name = "piq23"
    mos_range = (-8.0, 6.0)
    homepage = "https://github.com/DXOMARK-Research/PIQ2023"
    licence = "non-commercial research use, after a form"
    layout = (
        *("Overall/0_Indoor_Scene_1_0.jpg …", "Details/…", "Exposure/…"),
        *("Scores_Overall.csv", "Scores_Details.csv", "Scores_Exposure.csv"),
        *("Device Split.csv", "Scene Split.csv"),
    )
    split_by = "official"

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        attribute: Attribute = "Overall",
        official: Official = "scene",
        **options: Any,
    ) -> None:
        check_word("attribute", attribute, Attribute)
        check_word("official", official, Official)
        self.attribute, self.official = attribute, official
        super().__init__(root, **options)

    def read(self) -> Iterator[Record]:
        """Yields the images of one attribute."""
        path = self.table(f"Scores_{self.attribute}.csv")
        subsets = self._subsets()
        for line, row in read_csv(path, ["IMAGE PATH", "JOD", "SCENE"]):
            file, scene = row["IMAGE PATH"].replace("\\", "/"), row["SCENE"].casefold()
            name = file.rpartition("/")[2].casefold()
            yield Record(
                image=self.files.path(file),
                mos=to_number(row["JOD"], path, line),
                content=scene,
                split=subsets.get(scene if self.official == "scene" else name),
            )

    def _subsets(self) -> dict[str, str]:
        """Returns the subset of each scene or of each image; none where the table is missing."""
        table = f"{self.official.capitalize()} Split.csv"
        column = "SCENE" if self.official == "scene" else "IMAGE"
        path = self.files.find(table, f"Test split/{table}")
        rows = read_csv(path, [column, "SPLIT"]) if path else ()
        return {row[column].casefold(): row["SPLIT"].casefold() for _, row in rows}
