"""A study is reported on from its rows where they are, and from its numbers where they are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from kdiqa import report
from tests.report.made import write_run

VALUES = {
    "alone": [0.70, 0.72, 0.74, 0.71, 0.73, 0.75],
    "akd": [0.75, 0.76, 0.77, 0.73, 0.78, 0.79],
}


def write_study(folder: Path, jobs: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    plan = {"experiment": "akd_tid2013", "needs": ["tid2013"], "baseline": "alone"}
    variants = {"akd": [], "alone": ["distill=false"]}
    (folder / "study.yaml").write_text(json.dumps(plan | {"variants": variants}))
    found = {"study": folder.name, "baseline": "alone", "jobs": jobs}
    found["comparisons"] = {"akd": {"baseline": "alone"}}
    (folder / "results.json").write_text(json.dumps(found))


def jobs() -> list[dict[str, Any]]:
    names = ("srcc", "plcc", "plcc_fit", "krcc", "rmse")
    return [
        {
            "variant": name,
            "split": split,
            "seed": 0,
            "data": f"d{split}",
            "selected_on": "val/srcc",
        }
        | {"metrics": {key: value for key in names} | {"n": 33}}
        for name, values in VALUES.items()
        for split, value in enumerate(values)
    ]


def numbers(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    return found


def test_without_rows_the_stored_numbers_are_compared_run_by_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path / "experiments/real", jobs())
    assert report.main(["experiments/real"]) == 0
    (dataset,) = numbers(tmp_path / "experiments/real/report.html")["datasets"]
    akd = dataset["variants"]["akd"]
    assert akd["measures"]["srcc"]["median"] == pytest.approx(0.765)
    interval = stats.ttest_1samp(VALUES["akd"], 0).confidence_interval(0.95)
    assert akd["measures"]["srcc"]["low"] == pytest.approx(interval.low, abs=1e-12)
    assert akd["measures"]["srcc"]["of"] == akd["difference"]["of"] == "runs"
    difference = [a - b for a, b in zip(VALUES["akd"], VALUES["alone"], strict=True)]
    expected = stats.ttest_1samp(difference, 0).confidence_interval(0.95)
    assert akd["difference"]["low"] == pytest.approx(expected.low, abs=1e-12)
    assert akd["difference"]["high"] == pytest.approx(expected.high, abs=1e-12)
    assert akd["difference"]["p_runs"] == pytest.approx(0.03125)
    page = (tmp_path / "experiments/real/report.html").read_text()
    assert "the rows are no longer where the runs left them" in page
    assert "+0.038†" in page
    assert "95 % over runs" in page
    assert "95 % over images" not in page
    assert dataset["dataset"] == "tid2013"
    assert "HyperIQA (selected on test)" in page


def test_a_study_takes_the_rows_of_its_own_jobs_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    logs = tmp_path / "logs/study/real"
    done = [job for job in jobs() if job["split"] < 2]
    for job in done:
        write_run(
            logs / job["variant"] / f"split_{job['split']}_seed_0", job["variant"], job["split"]
        )
    write_run(logs / "replaced" / "old", "akd", 7)
    write_study(tmp_path / "experiments/real", done)
    assert report.main(["experiments/real"]) == 0
    assert not (tmp_path / "experiments/real/report.html").exists()  # thumbnails are not published
    found = numbers(logs / "report.html")
    assert sorted((run["variant"], run["split"]) for run in found["runs"]) == [
        ("akd", 0), ("akd", 1), ("alone", 0), ("alone", 1),
    ]  # fmt: skip
    assert found["datasets"][0]["variants"]["akd"]["difference"]["pairs"] == 2
    assert found["datasets"][0]["variants"]["akd"]["difference"]["baseline"] == "alone"


def test_a_study_that_has_not_run_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text("experiment: akd_demo\n")
    assert report.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"kdiqa report: The study '{tmp_path}' has no results yet. Run it with: python -m"
        f" kdiqa.study {tmp_path}\n"
    )


def test_a_study_without_a_finished_job_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_study(tmp_path, [])
    assert report.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"kdiqa report: No job of the study '{tmp_path}' is finished. Go on with: python -m"
        f" kdiqa.study {tmp_path}\n"
    )


def test_a_baseline_that_is_no_variant_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_study(tmp_path, jobs())
    assert report.main([str(tmp_path), "--baseline", "akdd"]) == 1
    assert capsys.readouterr().err == (
        "kdiqa report: No variant is called 'akdd'. There are: alone, akd.\n"
    )


def test_another_baseline_turns_the_differences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path / "s", jobs())
    assert report.main(["s", "--baseline", "akd"]) == 0
    variants = numbers(tmp_path / "s/report.html")["datasets"][0]["variants"]
    assert variants["alone"]["difference"]["estimate"] == pytest.approx(-0.23 / 6)
    assert "difference" not in variants["akd"]


def test_each_variant_is_compared_with_its_own_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    few = [job | {"variant": f"5 % {job['variant']}"} for job in jobs()]
    write_study(tmp_path / "s", [*jobs(), *few])
    path = tmp_path / "s/results.json"
    told = {"baseline": None, "comparisons": {"5 % akd": {"baseline": "5 % alone"}}}
    path.write_text(json.dumps(json.loads(path.read_text()) | told))
    assert report.main(["s"]) == 0
    variants = numbers(tmp_path / "s/report.html")["datasets"]
    compared = {
        name: row["difference"]["baseline"]
        for dataset in variants
        for name, row in dataset["variants"].items()
        if "difference" in row
    }
    assert compared == {"5 % akd": "5 % alone"}


def test_a_run_on_two_data_sets_is_named_by_the_one_it_was_tested_on(tmp_path: Path) -> None:
    write_run(tmp_path / "runs/a", "student")
    parts = {"train_on": "kdiqa.data.readers.live.LIVE", "test_on": "kdiqa.data.readers.csiq.CSIQ"}
    data = {part: {"_target_": target} for part, target in parts.items()}
    config = {"data": data | {"_target_": "kdiqa.data.pair.Pair"}}
    (tmp_path / "runs/a/config_resolved.yaml").write_text(json.dumps(config))
    path = tmp_path / "page.html"
    assert report.main([str(tmp_path / "runs"), "--no-figures", "-o", str(path)]) == 0
    (dataset,) = numbers(path)["datasets"]
    assert dataset["dataset"] == "csiq"
    assert {row["train"] for row in dataset["published"]} == {"live"}


def test_runs_of_one_name_split_and_seed_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for name in "ab":
        write_run(tmp_path / "runs" / name, "student")
    path = tmp_path / "page.html"
    assert report.main([str(tmp_path / "runs"), "--no-figures", "-o", str(path)]) == 0
    variants = list(numbers(path)["datasets"][0]["variants"])
    assert variants == ["a", "b"]


def test_variants_tested_on_other_images_are_not_compared(tmp_path: Path) -> None:
    write_run(tmp_path / "runs/a", "student alone", split=0)
    rows = write_run(tmp_path / "runs/b", "student with teacher", split=0)
    rows.iloc[:-1].to_csv(tmp_path / "runs/b/predictions/test.csv", index=False)
    path = tmp_path / "page.html"
    assert report.main([str(tmp_path / "runs"), "--no-figures", "-o", str(path)]) == 0
    found = numbers(path)
    assert found["datasets"][0]["variants"]["student with teacher"]["difference"] is None
