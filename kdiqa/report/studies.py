"""A study as a report reads it: its runs where their rows still are, its numbers elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kdiqa.files.bounded import read_mapping
from kdiqa.report.runs import RunError, Tested, find_runs, read_tests
from kdiqa.study import plan


def collect(folders: Sequence[Path], within: bool = False) -> tuple[list[Tested], dict[str, str]]:
    """Returns all tests of the runs and studies in folders, and what their variants are compared with.

    Args:
        folders: run folders, folders of runs, studies (`experiments/NAME`) or their logs
            (`logs/study/NAME`). A study whose logs are not at the latter has its stored numbers,
            but neither intervals over images nor figures.
        within: measure within each content, and take the median over contents.

    Raises:
        RunError: if a folder holds nothing to report on.
    """
    runs: dict[str, Path] = {}
    numbers: list[Tested] = []
    against: dict[str, str] = {}
    for folder in folders:
        study = _study(folder)
        if study is None:
            for label, run in find_runs([folder]).items():
                runs[label if label not in runs else str(run)] = run
            continue
        against |= {name: row["baseline"] for name, row in study["comparisons"].items()}
        logs, data = _logs(folder, study), _data(folder)
        for job in study["jobs"]:
            name = job["variant"].replace(" ", "_")
            run = logs / name / f"split_{job['split']}_seed_{job['seed']}"
            if any(run.glob("predictions/test*.csv")):
                runs[str(run)] = run
            else:
                dataset = data.get(job["variant"]) or study["study"]
                numbers.append(Tested(job["variant"], dataset, job["metrics"], results=job))
    return [*read_tests(runs, within), *numbers], against


def page_folder(folder: Path) -> Path:
    """Returns where the page of a run or a study goes: with its rows, where they are.

    Pages hold thumbnails: those of a study belong to its logs and not among what is published.
    """
    study = _study(folder)
    logs = folder if study is None else _logs(folder, study)
    return logs if logs.is_dir() else folder


def _study(folder: Path) -> dict[str, Any] | None:
    path, command = folder / "results.json", f"python -m kdiqa.study {folder}"
    try:
        outcome = read_mapping(path) if path.is_file() else {}
    except ValueError as error:
        raise RunError(str(error)) from error
    if "jobs" not in outcome:
        if (folder / "study.yaml").is_file():
            raise RunError(f"The study '{folder}' has no results yet. Run it with: {command}")
        return None
    if not outcome["jobs"]:
        raise RunError(f"No job of the study '{folder}' is finished. Go on with: {command}")
    return outcome


def _logs(folder: Path, study: dict[str, Any]) -> Path:
    return Path("logs", "study", study["study"]) if (folder / "study.yaml").is_file() else folder


def _data(folder: Path) -> dict[str, str | None]:
    """Returns which data set each variant of a study is tested on."""
    if not (folder / "study.yaml").is_file():
        return {}
    try:
        return {
            name: list(variant.data.values())[-1] if variant.data else None
            for name, variant in plan.read(folder).variants.items()
        }
    except plan.StudyError as error:
        raise RunError(str(error)) from error
