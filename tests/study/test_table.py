"""A study's numbers are those of its runs, and say what they leave out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from kdiqa.study import table
from kdiqa.study.plan import read
from tests.study.fake import write

RNG = np.random.default_rng(0)


def test_interval_of_the_mean_is_students() -> None:
    values = RNG.normal(0.8, 0.02, 7)
    made = table.summary(values.tolist())
    assert made is not None
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (made["low"], made["high"]) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert made["median"] == np.median(values)
    assert table.summary([0.5]) == {"median": 0.5, "mean": 0.5, "std": 0.0}
    assert table.summary([]) is None


def job(variant: str, split: int, srcc: float, data: str = "d") -> dict:
    metrics = {"srcc": srcc, "plcc": srcc, "krcc": srcc, "rmse": 1 - srcc}
    return {"variant": variant, "split": split, "seed": 0, "data": data, "metrics": metrics}


def test_variants_are_compared_on_the_same_split_and_data_alone(tmp_path: Path) -> None:
    study = read(write(tmp_path))
    base, taught = RNG.normal(0.8, 0.02, (2, 6))
    jobs = [job("alone", i, float(v), f"d{i}") for i, v in enumerate(base)]
    jobs += [job("taught", i, float(v), f"d{i}") for i, v in enumerate(taught)]
    jobs += [job("taught", 9, 0.1), job("alone", 8, 0.99)]  # without a partner
    jobs += [job("taught", 7, 0.1, "other"), job("alone", 7, 0.99)]  # other test images
    made = table.compared(study, jobs)
    assert list(made) == ["taught"]
    assert made["taught"]["pairs"] == 6
    assert made["taught"]["mean"] == pytest.approx((taught - base).mean(), abs=1e-12)
    assert made["taught"]["p"] == pytest.approx(stats.wilcoxon(taught, base).pvalue, abs=1e-12)
    assert made["taught"]["wins"] == int((taught > base).sum())


def test_number_that_was_selected_on_test_carries_the_mark() -> None:
    row = {"srcc": {"median": 0.8, "mean": 0.8, "std": 0.0}, "runs": 1}
    row |= {name: {"median": 0.5} for name in ("plcc", "krcc", "rmse")}
    found = {
        **{"variants": {"a": row}, "comparisons": {}, "baseline": None, "overrides": []},
        **{"finished": 1, "planned": 2, "jobs": [job("a", 0, 0.8) | {"selected_on": "test/srcc"}]},
    }
    made = table.markdown(found)
    assert "| a (selected on test) | 1 | 0.800 | 0.800 | – |" in made
    assert "1 of 2 jobs." in made


def test_table_goes_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    found = {"variants": {}, "comparisons": {}, "baseline": None, "overrides": [], "jobs": []}
    found |= {"finished": 0, "planned": 0}
    (tmp_path / "README.md").write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    for _ in range(2):
        assert table.write(found, tmp_path, readme=True)[1] == tmp_path / "README.md"
    text = (tmp_path / "README.md").read_text()
    assert text.startswith(f"before\n{table.BEGIN}\n| |")
    assert text.endswith(f"{table.END}\nafter\n")
    assert "old" not in text
    assert table.write(found, tmp_path, readme=False)[1] == tmp_path / "results.md"
