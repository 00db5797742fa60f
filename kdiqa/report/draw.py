"""Figures of a run, as files in its folder."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from kdiqa import figures
from kdiqa.metrics.stored import read_rows


def draw(run: Path) -> list[Path]:
    """Returns the figures drawn from what a run stored, as PNG files in its folder `figures`.

    What a run did not store is not drawn: a teacher has no weights of levels, a run that was not
    tested no scores.

    Args:
        run: the run's folder, with `metrics.csv` and `predictions/test*.csv`.
    """
    drawn: dict[str, Figure | None] = {}
    for file in sorted(run.glob("predictions/test*.csv")):
        name = file.stem.replace("test", "score_against_opinion", 1)
        drawn[name] = figures.score_against_opinion(read_rows(file))
    both = with_teacher(run)
    if both is not None:
        drawn["teacher_and_student"] = figures.teacher_and_student(both)
    if (run / "metrics.csv").is_file():
        metrics = pd.read_csv(run / "metrics.csv")
        drawn["level_weights"] = figures.level_weights(metrics)
        drawn["loss_terms"] = figures.loss_terms(metrics)
    paths = {run / "figures" / f"{name}.png": figure for name, figure in drawn.items() if figure}
    for path, figure in paths.items():
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, dpi=150)
    return list(paths)


def with_teacher(run: Path) -> pd.DataFrame | None:
    """Returns the rows of a student's validation images with its teacher's scores, as `teacher`.

    None where there was no teacher, or where it could not see these images as it is used to.

    Args:
        run: the student's folder.
    """
    student, teacher = (run / "predictions" / f"{name}val.csv" for name in ("", "teacher_"))
    if not student.is_file() or not teacher.is_file():
        return None
    scores = read_rows(teacher)[["index", "score"]].rename(columns={"score": "teacher"})
    return read_rows(student).merge(scores, on="index")
