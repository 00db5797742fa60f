"""Images without a score, which a teacher labels: a folder of them, or distorted copies."""

import math
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from kdiqa.data.images.read import check_image, read_rgb
from kdiqa.data.pairs.pairing import Distort, Redistorted
from kdiqa.data.pairs.pool import images_below
from kdiqa.data.record import Record
from kdiqa.data.seeds import derive_seed
from kdiqa.data.splits.leaks import OnLeak, unlabelled_leaks
from kdiqa.data.splits.split import Assignment


class Unlabelled:
    """More training images, with NaN for a score.

    Args:
        folder: Holds images, at any depth; None for none.
        copies: Distorted copies of each training image and of each image of the folder.
        distortion: Distorts them; drawn for each copy and the same ever after.
        cache: Folder for the copies; with ``pristine``, None draws them anew in every epoch.
        seed: Of the draws.
        pristine: The folder's images are pristine: only their copies train, each with its
            original for a reference, and the labelled training images have no copies.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        copies: int = 0,
        distortion: Distort | None = None,
        cache: str | Path | None = None,
        seed: int = 0,
        pristine: bool = False,
    ) -> None:
        if copies and (distortion is None or (cache is None and not pristine)):
            raise ValueError(
                f"{copies} distorted copies of each image need data.unlabelled.distortion and"
                " data.unlabelled.cache. Set data/unlabelled=distorted, or copies: 0."
            )
        if (folder is None and (pristine or not copies)) or (pristine and not copies):
            raise ValueError(
                "data.unlabelled names no folder and no copies. Set data/unlabelled=folder pool=FOLDER,"
                " data/unlabelled=distorted, data/unlabelled=synthetic pool=FOLDER, or"
                " data/unlabelled=[]."
            )
        self.folder = None if folder is None else Path(folder).expanduser()
        self.copies, self.seed, self.pristine = copies, seed, pristine
        self.distortion, self.redistorted = distortion, None
        if distortion is not None and cache is not None:
            self.redistorted = Redistorted(distortion, cache=Path(cache).expanduser())

    def records(
        self, trained: Sequence[Record], assignment: Assignment, policy: OnLeak
    ) -> list[Record]:
        """Returns the folder's images and the copies, of the images trained on too; or the copies alone.

        Images that show what validation or test does raise ``LeakError`` where the policy is
        ``stop``, and are left out where it is ``drop``.
        """
        images = self.images()
        leaks = unlabelled_leaks(assignment, images, policy)
        if policy == "drop":
            leaked = {leak.here.path for leak in leaks}
            images = [record for record in images if record.image not in leaked]
        if not self.pristine:
            return [*images, *self.distorted([*trained, *images])]
        return self.distorted(images) if self.redistorted else self.drawn(images)

    def images(self) -> list[Record]:
        """Returns the folder's images, by name; raises ``ValueError`` if it holds none."""
        if self.folder is None:
            return []
        paths = [path for path in images_below(self.folder) if path.is_file()]
        if not paths:
            raise ValueError(
                f"No image in '{self.folder}' to learn from without labels. Set pool to a folder"
                " of images, or data/unlabelled=[]."
            )
        folders = [f"unlabelled/{p.relative_to(self.folder).parent.as_posix()}" for p in paths]
        each = zip(paths, folders, strict=True)
        return [Record(path, math.nan, path.name, folder=folder) for path, folder in each]

    def distorted(self, sources: Sequence[Record]) -> list[Record]:
        """Returns the distorted copies of images, computed where they are missing."""
        if self.redistorted is None:
            return []
        self.redistorted.check([])
        copies = []
        plan = [(source, number) for number in range(self.copies) for source in sources]
        for source, number in track(plan, "Distorted copies", transient=True):
            seed = derive_seed(self.seed, source.name.casefold(), number)
            path = self.redistorted.cached_path(source, seed)
            if check_image(path) is not None:  # missing or cut
                self.redistorted(read_rgb(source.image), source, seed)
            reference = source.image if self.pristine else None
            copies.append(Record(path, math.nan, source.content, reference=reference))
        return copies

    def drawn(self, sources: Sequence[Record]) -> list[Record]:
        """Returns pristine images as many times as they have copies, distorted when they are read."""
        return [
            Record(
                source.image,
                math.nan,
                source.content,
                reference=source.image,
                folder=f"{source.folder}/{number}",
                drawn=self.distortion,
            )
            for number in range(self.copies)
            for source in sources
        ]
