"""FLIVE, also called PaQ-2-PiQ or LIVE-FB: authentic distortions, crowdsourced scores."""

from collections.abc import Iterator

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.files import read_csv, to_number
from kdiqa.data.record import Record

TEST, TRAINING = "labels640.csv", "labels=640_padded.csv"
TRUE = ("true", "1")


class FLIVE(IQADataModule):
    """39 810 images, MOS in [0, 100]; the patches that were rated too are left out.

    The layout: ``labels_image.csv``, the images in the folders it names, below the root or
    below ``database``. The official test split is what ``labels640.csv`` lists; validation is what
    ``labels=640_padded.csv`` marks in its column ``is_valid``; all others train. Without the
    first there is no official split, without the second validation is carved from training.

    References:
        | From Patches to Pictures (PaQ-2-PiQ): Mapping the Perceptual Space of Picture Quality
        | (Ying et al., 2020), https://doi.org/10.1109/CVPR42600.2020.00363
    """

    name = "flive"
    mos_range = (0.0, 100.0)
    homepage = "https://github.com/baidut/PaQ-2-PiQ"
    licence = "research use, cite the paper"
    layout = (
        *(f"database/{folder}/*.jpg" for folder in ("voc_emotic_ava", "blur_dataset", "EE371R")),
        *(f"database/{name}" for name in ("labels_image.csv", TEST, TRAINING)),
    )
    split_by = "official"

    def read(self) -> Iterator[Record]:
        """Yields the images; each is a content of its own."""
        subsets = self._subsets()
        path = self.table("labels_image.csv", "database/labels_image.csv")
        for line, row in read_csv(path, ["name", "mos"]):
            name = row["name"]
            yield Record(
                image=self.files.path(f"database/{name}", name),
                mos=to_number(row["mos"], path, line),
                content=name.casefold(),
                split=subsets.get(name.casefold(), "train") if subsets else None,
            )

    def _subsets(self) -> dict[str, str]:
        """Returns the images that do not train, each with its subset; none where that is not known."""
        test, training = (self.files.find(name, f"database/{name}") for name in (TEST, TRAINING))
        if test is None:
            return {}
        marked = read_csv(training, ["name_image", "is_valid"]) if training else ()
        valid = [row["name_image"] for _, row in marked if row["is_valid"].casefold() in TRUE]
        tested = [row["name_image"] for _, row in read_csv(test, ["name_image"])]
        subsets = dict.fromkeys(valid, "val") | dict.fromkeys(tested, "test")
        return {name.casefold(): subset for name, subset in subsets.items()}
