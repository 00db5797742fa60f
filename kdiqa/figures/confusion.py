"""Two models' scores of the same images, part by part."""

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from kdiqa.figures.style import STYLE
from kdiqa.metrics.agreement import agreement

FIFTHS = ("worst fifth", "second", "middle", "fourth", "best fifth")


@mpl.rc_context(STYLE)
def teacher_and_student(rows: pd.DataFrame) -> Figure:
    """Returns in which fifth of all images a teacher and its student put each, as a matrix.

    Args:
        rows: one row an image that both have scored, with `teacher` and `score`, higher is better,
            and their `split` where it is known.
    """
    result = agreement(rows["teacher"], rows["score"], len(FIFTHS))
    figure = Figure(figsize=(6.0, 5.4))
    axes = figure.subplots()
    axes.imshow(result.counts, cmap="Blues", origin="lower", vmin=0)
    dark = result.counts.max() / 2
    for row, counts in enumerate(result.counts):
        for column, count in enumerate(counts):
            colour = "#FFFFFF" if count > dark else "#333333"
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(FIFTHS)), FIFTHS, fontsize=9)
    axes.set_yticks(range(len(FIFTHS)), FIFTHS, fontsize=9)
    axes.set_xlabel("of the student's scores")
    axes.set_ylabel("of the teacher's scores")
    axes.grid(visible=False)
    split = "test" if "test" in set(rows.get("split", ())) else "validation"
    figure.suptitle(f"Teacher and student, {split} images", x=0.01, ha="left", weight="bold")
    same, near = f"same fifth {result.same:.0%}", f"or a neighbour {result.near:.0%}"
    summary = f"{same}   {near}   SRCC {result.srcc:.3f}   {len(rows)} images"
    axes.set_title(summary, fontsize=10, weight="normal")
    return figure
