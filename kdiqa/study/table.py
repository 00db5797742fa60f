"""What a study found: the numbers of all jobs, what they come to, and the table of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from kdiqa import figures
from kdiqa.files.atomic import write as write_whole
from kdiqa.metrics.comparison import holm, wilcoxon
from kdiqa.metrics.selection import marked
from kdiqa.study import state
from kdiqa.study.plan import Study
from kdiqa.study.runner import Task

BEGIN = "<!-- results: written by python -m kdiqa.study -->"
END = "<!-- end of results -->"
METRICS = ("srcc", "plcc", "plcc_fit", "krcc", "rmse")
LEVEL = 0.95  # of the intervals
Found = dict[str, Any]


def collected(study: Study, tasks: Sequence[Task], extra: Sequence[str]) -> Found:
    """Returns all that a study found so far, in plain values.

    ``jobs`` has each finished run's test metrics; ``variants`` what they come to over splits and
    seeds; ``comparisons`` each variant's differences to the baseline, pair by pair: the same split,
    the same seed.

    Args:
        study: The study.
        tasks: All its jobs.
        extra: Overrides that were given beside it; where data lie is not among them.
    """
    jobs = [_row(task, made) for task in tasks if (made := _whole(task)) is not None]
    variants = {
        name: {metric: summary(values) for metric, values in _columns(jobs, name).items()}
        | {"runs": sum(job["variant"] == name for job in jobs)}
        for name in study.variants
    }
    return {
        "study": study.name,
        "overrides": [word for word in extra if "root" not in word.split("=")[0]],
        "finished": len(jobs),
        "planned": len(tasks),
        "baseline": study.baseline,
        "variants": variants,
        "comparisons": compared(study, jobs),
        "jobs": jobs,
    }


def summary(values: Sequence[float]) -> dict[str, float] | None:
    """Returns median, mean, standard deviation, and the interval of the mean.

    The interval is Student's, over runs: what another draw of splits and seeds would change. Where
    all runs share their test images, it leaves out what other test images would change.

    Args:
        values: One a run.

    Example:
        >>> made = summary([0.8, 0.9, 0.7])
        >>> {name: round(value, 3) for name, value in made.items()}
        {'median': 0.8, 'mean': 0.8, 'std': 0.1, 'low': 0.552, 'high': 1.048}
    """
    if not values:
        return None
    mean, many = float(np.mean(values)), len(values) > 1
    std = float(np.std(values, ddof=1)) if many else 0.0
    made = {"median": float(np.median(values)), "mean": mean, "std": std}
    if many:
        half = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)) * std / len(values) ** 0.5
        made |= {"low": mean - half, "high": mean + half}
    return made


def compared(study: Study, jobs: Sequence[Found], metric: str = "srcc") -> dict[str, Found]:
    """Returns each variant's paired difference to its baseline.

    With Wilcoxon's signed-rank test over the pairs, two-sided, and Holm's correction over the
    variants. Five pairs cannot reach 0.05 in it: their smallest p is 0.0625.

    Args:
        study: Names the baselines.
        jobs: Rows as :func:`collected` has them.
        metric: Of which the differences are taken.
    """
    scores = {(job["variant"], job["split"], job["seed"]): job["metrics"][metric] for job in jobs}
    data = {(job["variant"], job["split"], job["seed"]): job["data"] for job in jobs}
    made: dict[str, Found] = {}
    for name, variant in study.variants.items():
        if variant.baseline is None:
            continue
        keys = [(key, (variant.baseline, *key[1:])) for key in scores if key[0] == name]
        pairs = [(mine, base) for mine, base in keys if data.get(base) == data[mine]]
        differences = [scores[mine] - scores[base] for mine, base in pairs]
        if differences:
            made[name] = {"baseline": variant.baseline, "pairs": len(pairs)}
            made[name] |= summary(differences) or {}
            made[name]["wins"] = sum(difference > 0 for difference in differences)
            made[name]["p"] = _wilcoxon(differences)
    tested = {name: row["p"] for name, row in made.items() if row["p"] is not None}
    for name, p in zip(tested, holm(list(tested.values())), strict=True):
        made[name]["p_holm"] = p
    return made


def markdown(found: Found) -> str:
    """Returns the table of a study, and what stands below it."""
    lines = [
        "| | runs | SRCC median | SRCC mean ± std | 95 % interval | PLCC | KRCC | RMSE"
        " | minus baseline | p |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, row in found["variants"].items():
        lines.append(_line(name, row, found))
    whole = found["finished"] == found["planned"]
    count = "All" if whole else f"{found['finished']} of {found['planned']}"
    told = (
        f"{count} jobs. PLCC, KRCC and RMSE are medians. Intervals of means (Student) over runs; "
    )
    names = dict.fromkeys(row["baseline"] for row in found["comparisons"].values())
    if names:
        told += f"minus baseline: mean difference to *{'* or *'.join(names)}* on the same split "
        told += "and seed, its interval, and p (Wilcoxon, Holm)."
    else:
        told += "there is no baseline."
    if found["overrides"]:
        told += f" Run with: `{' '.join(found['overrides'])}`."
    return "\n".join([*lines, "", told])


def write(found: Found, folder: Path, readme: bool) -> list[Path]:
    """Writes ``results.json``, the table and the picture of differences; returns the files.

    Args:
        found: What :func:`collected` returns.
        folder: Where to.
        readme: Whether the table goes between the markers of the folder's README, where it has
            them; otherwise it is ``results.md``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "results.json", json.dumps(found, indent=1) + "\n")
    table = markdown(found)
    path = folder / "README.md"
    text = path.read_text() if readme and path.is_file() else ""
    if BEGIN in text and END in text:
        head, _, rest = text.partition(BEGIN)
        write_whole(path, f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    else:
        path = folder / "results.md"
        write_whole(path, table + "\n")
    return [folder / "results.json", path, *drawn(found, folder / "figures")]


def drawn(found: Found, folder: Path) -> list[Path]:
    """Draws each variant's difference to its baseline with its interval; none, no picture."""
    reaches = {
        name: {"estimate": row["mean"], "low": row.get("low"), "high": row.get("high")}
        for name, row in found["comparisons"].items()
    }
    baselines = dict.fromkeys(row["baseline"] for row in found["comparisons"].values())
    figure = figures.forest(reaches, " or ".join(baselines))
    if figure is None:
        return []
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / "differences.png", dpi=150)
    return [folder / "differences.png"]


def _whole(task: Task) -> Found | None:
    return state.results(task.folder) if task.state == "done" else None


def _row(task: Task, made: Mapping[str, Any]) -> Found:
    job = task.job
    told = {key: made.get(key) for key in ("selected_on", "best_epoch", "epochs", "data")}
    own = {"variant": job.variant.name, "split": job.split, "seed": job.seed}
    times = {"seconds": made.get("seconds"), "parameters": made.get("trainable_parameters")}
    return own | told | times | {"metrics": made["metrics"]["test"]}


def _columns(jobs: Sequence[Found], name: str) -> dict[str, list[float]]:
    rows = [job["metrics"] for job in jobs if job["variant"] == name]
    return {metric: [row[metric] for row in rows if metric in row] for metric in METRICS}


def _wilcoxon(differences: Sequence[float]) -> float | None:
    """Returns the two-sided p of the pairs' differences; None where there is nothing to rank."""
    if len(differences) < 2 or not any(differences):
        return None
    return wilcoxon(differences, np.zeros(len(differences))).p_value


def _line(name: str, row: Found, found: Found) -> str:
    chosen = [job for job in found["jobs"] if job["variant"] == name]
    cells = [marked(name, chosen[0]) if chosen else name, str(row["runs"])]
    score = row["srcc"]
    if score is None:
        return f"| {' | '.join(cells)} |{' – |' * 8}"
    spread = f" ± {score['std']:.3f}" if row["runs"] > 1 else ""  # of one run there is none
    cells += [f"{score['median']:.3f}", f"{score['mean']:.3f}{spread}"]
    cells.append(_interval(score))
    cells += [f"{row[key]['median']:.3f}" for key in ("plcc", "krcc", "rmse")]
    other = found["comparisons"].get(name)
    if other is None:
        return f"| {' | '.join([*cells, '–', '–'])} |"
    cells.append(f"{other['mean']:+.3f} {_interval(other, '+')}".strip())
    p = other.get("p_holm")
    cells.append("–" if p is None else f"{p:.3f}")
    return f"| {' | '.join(cells)} |"


def _interval(row: Mapping[str, float], sign: str = "") -> str:
    if "low" not in row:
        return "" if sign else "–"
    return f"[{row['low']:{sign}.3f}, {row['high']:{sign}.3f}]"
