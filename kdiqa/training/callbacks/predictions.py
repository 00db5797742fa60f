"""One row an image: the table behind every reported number."""

from pathlib import Path
from typing import Any

import lightning as L

from kdiqa.files.atomic import write
from kdiqa.metrics import seals
from kdiqa.metrics.stored import rows_of
from kdiqa.metrics.table import Rows


class Predictions(L.Callback):
    """Writes ``predictions/<split>.csv`` when a whole split has been validated or tested.

    Columns: index (the image's position in the data set), id (its file, relative to the data's root),
    content (of PIQ23, the scene), distortion, level, split, mos in [0, 1] and score on the same
    scale, higher is better. Numbers are written to the last bit: every measure follows from them.

    Next to each lies its seal (:mod:`kdiqa.metrics.seals`), by which a report finds rows that were
    changed later. A teacher that can see the validation images is asked once: ``teacher_val.csv`` is of the same
    columns, its scores on the scale that it learnt itself.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def on_validation_end(self, trainer: L.Trainer, module: Any) -> None:
        """Writes the validation rows of the selected weights, not those of each epoch."""
        if trainer.state.fn == "validate":
            self.write(trainer, module.rows["val"], "val")
            for callback in trainer.callbacks:  # type: ignore[attr-defined]
                if (rows := getattr(callback, "teacher_rows", None)) is not None:
                    self.write(trainer, rows, "teacher_val")

    def on_test_end(self, trainer: L.Trainer, module: Any) -> None:
        """Writes the test rows."""
        self.write(trainer, module.rows["test"], "test")

    def write(self, trainer: L.Trainer, rows: Rows, name: str) -> None:
        """Writes a table, on the first rank."""
        if not trainer.is_global_zero:
            return
        table = rows_of(trainer.datamodule, rows)  # type: ignore[attr-defined]
        text = table.to_csv(index=False)
        write(self.folder / f"{name}{seals.SUFFIX}", seals.seal(text))
        write(self.folder / f"{name}.csv", text)
