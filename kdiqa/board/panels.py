"""Tables, charts and images of a finished run or evaluation, from what its folder holds."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import wandb
from PIL import Image as Pillow

from kdiqa import figures
from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.figures.contact_sheet import thumbnail
from kdiqa.metrics.agreement import agreement
from kdiqa.metrics.breakdown import breakdown
from kdiqa.metrics.stored import read_rows
from kdiqa.report.draw import with_teacher

EXTREMES = 16
SIDE = 256  # pixels: images on W&B are shrunk to fit, so that a run stays a few megabytes
Content = dict[str, Any]


def send(run: Any, folder: Path, root: Path | None, dataset: str, drawn: list[Path]) -> None:
    """Sends all there is to a run on W&B.

    Args:
        run: W&B's.
        folder: Of a run or an evaluation, with ``predictions/test.csv``.
        root: Of the images that the rows name.
        dataset: What they are of.
        drawn: PNG files of its figures.
    """
    content = tested(read_rows(folder / "predictions" / "test.csv"), root, dataset)
    content |= {f"figures/{path.stem}": wandb.Image(str(path)) for path in drawn}
    if (folder / "metrics.csv").is_file():
        content |= levels(pd.read_csv(folder / "metrics.csv"))
    both = with_teacher(folder)
    if both is not None:
        content |= confused(both)
    run.log(content)


def summarise(run: Any, results: Mapping[str, Any], dataset: str) -> None:
    """Writes a run's numbers, of ``results.json``, where W&B's table of runs has them."""
    metrics: Mapping[str, Mapping[str, float]] = results["metrics"]
    run.summary.update({f"test/{dataset}/{name}": x for name, x in metrics["test"].items()})
    if "val" in metrics:
        run.summary["val/srcc_best"] = metrics["val"]["srcc"]
    run.summary["selected_on"] = results["selected_on"]


def tested(rows: pd.DataFrame, root: Path | None, dataset: str) -> Content:
    """Returns the predictions, their scatter, the best and worst, and bars of the distortions."""
    table = plain(rows)
    content: Content = {
        "test/predictions": table,
        "test/scatter": wandb.plot.scatter(table, "score", "mos", f"Score and MOS, {dataset}"),
    }
    ranked = rows.assign(error=(rows["score"] - rows["mos"]).abs()).sort_values("error")
    for name, chosen in (("best", ranked[:EXTREMES]), ("worst", ranked[::-1][:EXTREMES])):
        content[f"test/{name}"] = plain(chosen)
        content[f"test/{name}_images"] = list(captioned(chosen, root))
    if rows["distortion"].notna().any():
        parts = breakdown(rows, "distortion")
        content["test/by_distortion"] = wandb.Table(dataframe=parts.reset_index())
        known = parts["srcc"].dropna().sort_values().reset_index()
        if len(known):
            content["test/distortions"] = wandb.plot.bar(
                wandb.Table(dataframe=known), "distortion", "srcc", "SRCC within a distortion"
            )
    return content


def captioned(rows: pd.DataFrame, root: Path | None) -> Iterator[wandb.Image]:
    """Yields the images of rows, small, each with its score and MOS; what is gone is left out."""
    for rank, row in enumerate(rows.to_dict("records"), start=1):
        try:
            image = read_rgb((root or Path()) / row["id"])
        except ImageReadError:
            continue
        height, width = image.shape[:2]
        kind = (
            ""
            if pd.isna(row["distortion"])
            else f", {row['distortion']}{'' if pd.isna(row['level']) else ' ' + str(row['level'])}"
        )
        caption = f"{rank}. {row['id']}: score {row['score']:.3f}, MOS {row['mos']:.3f}"
        yield wandb.Image(thumbnail(image, SIDE), caption=f"{caption}{kind}; {width}×{height}")


def levels(metrics: pd.DataFrame) -> Content:
    """Returns the weights of the levels over the epochs: a heat map, and its numbers."""
    figure = figures.level_heat_map(metrics)
    if figure is None:
        return {}
    file = io.BytesIO()
    figure.savefig(file, dpi=150)
    names = [name for name in metrics if name.startswith("train/weight_level")]
    table = metrics.groupby("epoch")[names].mean().dropna().reset_index()
    return {
        "kd/level_weights": wandb.Image(Pillow.open(file, formats=("PNG",))),
        "kd/level_weights_by_epoch": wandb.Table(dataframe=table),
    }


def confused(rows: pd.DataFrame) -> Content:
    """Returns how a teacher and its student sort the images that select into fifths.

    Args:
        rows: With ``teacher`` and ``score``.
    """
    result = agreement(rows["teacher"], rows["score"], len(figures.FIFTHS))
    teacher, student = result.parts.tolist()
    return {
        "kd/confusion": wandb.plot.confusion_matrix(
            y_true=teacher,
            preds=student,
            class_names=list(figures.FIFTHS),
            title="Teacher (actual) and student (predicted), fifths of each one's own scores",
        ),
        "kd/both": plain(rows),
        "kd/same_fifth": result.same,
        "kd/same_or_next_fifth": result.near,
        "kd/val_agreement_srcc": result.srcc,
    }


def plain(rows: pd.DataFrame) -> wandb.Table:
    """Returns rows as a table of W&B: text is text, what is missing is none."""
    return wandb.Table(dataframe=rows.astype(object).where(rows.notna(), None))
