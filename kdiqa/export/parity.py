"""Whether an exported file has the student's scores: image by image, and in SRCC."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import skimage
from numpy.typing import NDArray
from rich.progress import track

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.data.images.read import read_rgb
from kdiqa.evaluation.run import of_run
from kdiqa.metrics.correlation import srcc
from kdiqa.scorer.inputs import find
from kdiqa.scorer.predictor import Predictor

TOLERANCE = 1e-4  # of a score, between PyTorch and the float32 file
CALIBRATION = 100  # images the quantiser sees
OWN = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


@dataclass
class Images:
    """What an export is tried on.

    Args:
        description: Of these images, for the card.
        paths: Of the files that are compared.
        calibration: Of those that the quantiser sees; others, where there are enough.
        mos: MOS of ``paths``, higher is better; None where there are none.
        warnings: What a reader must know.
    """

    description: str
    paths: list[Path]
    calibration: list[Path]
    mos: NDArray[np.float64] | None = None
    warnings: list[str] = field(default_factory=list)


def of_dataset(checkpoint: Checkpoint, name: str, root: str | None, limit: int) -> Images:
    """Returns the test images of a data set, and its training images to calibrate on.

    Of the checkpoint's own data set, its own split is taken.
    """
    evaluation = of_run(checkpoint, name, root)
    records, test = evaluation.data.records, evaluation.data.positions("test")
    seen = evaluation.data.positions("train")
    if not seen:  # of another data set all images are tested: the first ones calibrate
        spare = min(CALIBRATION, len(test) // 4)
        seen, test = test[:spare], test[spare:]
    test = spread(test, limit)
    return Images(
        f"{len(test)} test images of {name}",
        [records[index].image for index in test],
        [records[index].image for index in spread(seen, CALIBRATION)],
        np.array([records[index].mos for index in test]),
        evaluation.warnings,
    )


def of_folder(folder: Path, limit: int) -> Images:
    """Returns the images of a folder, and their scores where it has a ``labels.csv``.

    Raises:
        FileNotFoundError: If there is no image.
        ValueError: If the labels name no image of it, or have no columns ``image`` and ``mos``.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"No folder '{folder}'. Give --images a folder of images.")
    table = folder / "labels.csv"
    mos: list[float] | None = None
    if table.is_file():
        rows = pd.read_csv(table)
        if not {"image", "mos"} <= set(rows.columns):
            raise ValueError(
                f"'{table}' has the columns {', '.join(map(str, rows.columns))}. It needs image (a"
                " path below the folder) and mos (higher is better)."
            )
        paths, mos = [folder / str(name) for name in rows["image"]], rows["mos"].tolist()
        missing = [path for path in paths if not path.is_file()]
        if missing:
            raise FileNotFoundError(
                f"'{table}' names '{missing[0].relative_to(folder)}', which is not in '{folder}'."
                " Correct the table, or unpack the images again."
            )
    else:
        paths = [Path(name) for name in find([str(folder)], io.StringIO())]
    indices = list(range(len(paths)))
    seen = indices[1::4] if len(paths) >= 8 else indices  # of eight or more, a quarter calibrates
    test = spread([index for index in indices if len(paths) < 8 or index not in set(seen)], limit)
    return Images(
        f"{len(test)} images of a folder",
        [paths[index] for index in test],
        [paths[index] for index in spread(seen, CALIBRATION)],
        None if mos is None else np.array([mos[index] for index in test], np.float64),
    )


def of_scikit_image() -> Images:
    """Returns the four colour images inside scikit-image, which are always here."""
    paths = [Path(skimage.__file__).parent / "data" / name for name in OWN]
    return Images("scikit-image's 4 colour images", paths, paths)


def spread(indices: Sequence[int], limit: int) -> list[int]:
    """Returns at most ``limit`` indices, evenly taken from all.

    Example:
        >>> spread(range(10), 4)
        [0, 2, 5, 7]
    """
    count = len(indices)
    return [indices[i * count // limit] for i in range(limit)] if count > limit else list(indices)


def session(model: bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """Returns a model that is ready to run on the processor; 0 threads: one a core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])


def calibrating(predictor: Predictor, images: Images) -> Iterator[NDArray[np.float32]]:
    """Yields what the net sees of the images that calibrate, one after the other."""
    for path in track(images.calibration, "Calibrating", transient=True):
        yield predictor.views(read_rgb(path), path.name)["image"][None].numpy().astype(np.float32)


def compared(
    predictors: Sequence[Predictor], models: Sequence[Any], images: Images, channels_first: bool
) -> NDArray[np.float64]:
    """Returns the scores of predictors and then of sessions, one row each, :math:`(R, N)`."""
    columns = []
    for path in track(images.paths, "Comparing", transient=True):
        image = read_rgb(path)
        fed = (image.transpose(2, 0, 1) if channels_first else image)[None]
        ours = [float(predictor.score(path)) for predictor in predictors]
        columns.append([*ours, *(float(m.run(None, {"image": fed})[0][0]) for m in models)])
    return np.array(columns, np.float64).T


def correlation(scores: NDArray[np.float64], mos: NDArray[np.float64] | None) -> float | None:
    """Returns SRCC with the MOS, None where there are none or too few."""
    return None if mos is None or len(mos) < 3 else float(srcc(scores, mos))


def check(scores: NDArray[np.float64], images: Images) -> None:
    """Raises ``ValueError`` unless PyTorch and the float32 file have the same scores, :math:`(2, N)`.

    They may differ by :data:`TOLERANCE`.
    """
    difference = np.abs(scores[1] - scores[0])
    worst = int(difference.argmax())
    if not difference[worst] <= TOLERANCE:
        raise ValueError(
            f"The exported graph scores '{images.paths[worst].name}' {scores[1][worst]:.6f} and"
            f" PyTorch {scores[0][worst]:.6f}: more than {TOLERANCE:g} apart. Nothing was written;"
            " report the run's configuration and the versions of torch and onnxruntime."
        )
