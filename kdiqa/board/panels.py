"""Tables, charts and pictures of a finished run or evaluation, from what its folder holds."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import wandb
from matplotlib.figure import Figure
from PIL import Image as Pillow

from kdiqa import figures
from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.figures.contact_sheet import thumbnail
from kdiqa.metrics.agreement import agreement
from kdiqa.metrics.breakdown import breakdown
from kdiqa.metrics.stored import read_rows
from kdiqa.report.draw import with_teacher

EXTREMES = 16
SIDE = 256  # pixels: a picture on the board is shrunk to fit, so that a run stays a few megabytes
Content = dict[str, Any]


def send(run: Any, folder: Path, root: Path | None, dataset: str, pictures: list[Path]) -> None:
    """Sends all there is to a run on the board.

    Args:
        run: The board's.
        folder: Of a run or an evaluation, with ``predictions/test.csv``.
        root: Of the images that the rows name.
        dataset: What they are of.
        pictures: PNG files that were drawn of it.
    """
    content = tested(read_rows(folder / "predictions" / "test.csv"), root, dataset)
    content |= {f"figures/{path.stem}": wandb.Image(str(path)) for path in pictures}
    if (folder / "metrics.csv").is_file():
        content |= levels(pd.read_csv(folder / "metrics.csv"))
    both = with_teacher(folder)
    if both is not None:
        content |= confused(both)
    run.log(content)


def summarise(run: Any, results: Mapping[str, Any], dataset: str) -> None:
    """Writes a run's numbers where the board's table of runs has them.

    Args:
        run: The board's.
        results: What ``results.json`` holds.
        dataset: What was tested.
    """
    metrics: Mapping[str, Mapping[str, float]] = results["metrics"]
    run.summary.update({f"test/{dataset}/{name}": x for name, x in metrics["test"].items()})
    if "val" in metrics:
        run.summary["val/srcc_best"] = metrics["val"]["srcc"]
    run.summary["selected_on"] = results["selected_on"]


def tested(rows: pd.DataFrame, root: Path | None, dataset: str) -> Content:
    """Returns the predictions, their scatter, the best and worst, and bars of the distortions."""
    table = wandb.Table(dataframe=plain(rows))
    made: Content = {
        "test/predictions": table,
        "test/scatter": wandb.plot.scatter(table, "score", "mos", f"Score and opinion, {dataset}"),
    }
    ranked = rows.assign(error=(rows["score"] - rows["mos"]).abs()).sort_values("error")
    for name, chosen in (("best", ranked[:EXTREMES]), ("worst", ranked[::-1][:EXTREMES])):
        made[f"test/{name}"] = wandb.Table(dataframe=plain(chosen))
        made[f"test/{name}_images"] = list(shown(chosen, root))
    parts = breakdown(rows, "distortion")
    if rows["distortion"].notna().any():
        table = wandb.Table(dataframe=parts.reset_index())
        made["test/by_distortion"] = table
        known = wandb.Table(dataframe=parts["srcc"].dropna().sort_values().reset_index())
        if len(known.data):
            title = "SRCC within a distortion"
            made["test/distortions"] = wandb.plot.bar(known, "distortion", "srcc", title)
    return made


def shown(rows: pd.DataFrame, root: Path | None) -> Iterator[wandb.Image]:
    """Yields the images of rows, small, each with what was said of it; what is gone is left out."""
    for place, row in enumerate(rows.to_dict("records"), start=1):
        try:
            image = read_rgb((root or Path()) / row["id"])
        except ImageReadError:
            continue
        height, width = image.shape[:2]
        kind = "" if pd.isna(row["distortion"]) else f", {row['distortion']} {row['level']}"
        caption = f"{place}. {row['id']}: score {row['score']:.3f}, opinion {row['mos']:.3f}"
        yield wandb.Image(thumbnail(image, SIDE), caption=f"{caption}{kind}; {width}×{height}")


def levels(metrics: pd.DataFrame) -> Content:
    """Returns the weights of the levels over the epochs: a heat map, and its numbers."""
    figure = figures.level_heat_map(metrics)
    if figure is None:
        return {}
    names = [name for name in metrics if name.startswith("train/weight_level")]
    table = metrics.groupby("epoch")[names].mean().dropna().reset_index()
    return {
        "kd/level_weights": wandb.Image(drawn(figure)),
        "kd/level_weights_by_epoch": wandb.Table(dataframe=table),
    }


def confused(rows: pd.DataFrame) -> Content:
    """Returns how a teacher and its student sort the images that select into fifths.

    Args:
        rows: With ``teacher`` and ``score``.
    """
    found = agreement(rows["teacher"], rows["score"], len(figures.FIFTHS))
    teacher, student = found.parts.tolist()
    return {
        "kd/confusion": wandb.plot.confusion_matrix(
            y_true=teacher,
            preds=student,
            class_names=list(figures.FIFTHS),
            title="Teacher (actual) and student (predicted), fifths of each one's own scores",
        ),
        "kd/both": wandb.Table(dataframe=plain(rows)),
        "kd/same_fifth": found.same,
        "kd/same_or_next_fifth": found.near,
        "kd/val_agreement_srcc": found.srcc,
    }


def plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns rows as a table on the board takes them: text is text, what is missing is none."""
    made = rows.astype(object)
    return made.where(rows.notna(), None)


def drawn(figure: Figure) -> Pillow.Image:
    """Returns a figure as a picture."""
    file = io.BytesIO()
    figure.savefig(file, dpi=150)
    return Pillow.open(file)
