"""A study's numbers are those of its runs, and its table says what it leaves out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from kdiqa.report import outcome
from kdiqa.study.__main__ import written
from kdiqa.study.plan import Job, Study, read
from tests.study.fake import write

RNG = np.random.default_rng(0)
EXPERIMENTS = Path(__file__).parents[2] / "experiments"
FINISHED = sorted(path.parent for path in EXPERIMENTS.glob("*/study.yaml"))
FINISHED = [folder for folder in FINISHED if (folder / "results.json").is_file()]


def run(
    study: Study, variant: str, split: int, srcc: float, data: str = "d"
) -> tuple[Job, dict[str, Any]]:
    metrics = {key: srcc for key in ("srcc", "plcc", "plcc_fit", "krcc")} | {"rmse": 1 - srcc}
    results = {"metrics": {"test": metrics}, "data": data, "selected_on": "val/srcc"}
    return Job(study.variants[variant], split, 0), results


def test_variants_are_compared_on_the_same_split_and_data_alone(tmp_path: Path) -> None:
    study = read(write(tmp_path))
    base, taught = RNG.normal(0.8, 0.02, (2, 6))
    runs = [run(study, "alone", i, float(v), f"d{i}") for i, v in enumerate(base)]
    runs += [run(study, "taught", i, float(v), f"d{i}") for i, v in enumerate(taught)]
    runs += [run(study, "taught", 9, 0.1), run(study, "alone", 8, 0.99)]  # without a partner
    runs += [run(study, "taught", 7, 0.1, "other"), run(study, "alone", 7, 0.99)]  # other images
    numbers = outcome.collected(study, runs)
    assert list(numbers["comparisons"]) == ["taught"]
    row = numbers["comparisons"]["taught"]
    assert (row["baseline"], row["pairs"]) == ("alone", 6)
    assert row["mean"] == pytest.approx((taught - base).mean(), abs=1e-12)
    interval = stats.ttest_rel(taught, base).confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert row["p"] == pytest.approx(stats.wilcoxon(taught, base).pvalue, abs=1e-12)
    assert row["wins"] == int((taught > base).sum())


def test_interval_of_the_mean_is_students_and_one_run_has_none(tmp_path: Path) -> None:
    study = read(write(tmp_path))
    values = RNG.normal(0.8, 0.02, 7)
    runs = [run(study, "alone", i, float(value)) for i, value in enumerate(values)]
    variants = outcome.collected(study, [*runs, run(study, "taught", 0, 0.5)])["variants"]
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    srcc = variants["alone"]["srcc"]
    assert (srcc["low"], srcc["high"]) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert srcc["median"] == np.median(values)
    assert variants["taught"]["srcc"] == {"median": 0.5, "mean": 0.5, "std": 0.0}
    assert variants["teacher"] == dict.fromkeys(variants["alone"]) | {"runs": 0}


def test_number_that_was_selected_on_test_carries_the_mark(tmp_path: Path) -> None:
    study = read(write(tmp_path))
    job, results = run(study, "alone", 0, 0.8)
    numbers = outcome.collected(study, [(job, results | {"selected_on": "test/srcc"})], ["a=b"])
    table = outcome.table(numbers).markdown()
    assert "| alone (selected on test) | 1 | 0.800 | 0.800 |" in table
    assert "1 of 10 jobs. None finished of: teacher, taught. Run with: `a=b`." in table


def test_table_goes_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    numbers = outcome.collected(read(write(tmp_path)), [])
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{outcome.BEGIN}\nold\n{outcome.END}\nafter\n")
    for _ in range(2):
        assert written(numbers, tmp_path, readme=True)[1] == readme
    text = readme.read_text()
    assert text.startswith(f"before\n{outcome.BEGIN}\n**")
    assert text.endswith(f"{outcome.END}\nafter\n")
    assert "old" not in text
    assert written(numbers, tmp_path, readme=False)[1] == tmp_path / "results.md"


@pytest.mark.parametrize("folder", FINISHED, ids=lambda path: path.name)
def test_published_tables_and_numbers_follow_from_the_stored_runs(folder: Path) -> None:
    text = (folder / "results.json").read_text()
    stored = json.loads(text)
    study = read(folder)
    runs = [
        (
            Job(study.variants[job["variant"]], job["split"], job["seed"]),
            job | {"metrics": {"test": job["metrics"]}, "trainable_parameters": job["parameters"]},
        )
        for job in stored["jobs"]
    ]
    assert json.dumps(outcome.collected(study, runs), indent=1) + "\n" == text
    page = (folder / "README.md").read_text()
    assert outcome.inserted(page, outcome.table(stored).markdown()) == page
