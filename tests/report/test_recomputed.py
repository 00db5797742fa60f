"""Every number of a report is what a plain script computes from the stored rows."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kdiqa import report
from kdiqa.metrics.comparison import holm
from kdiqa.metrics.resampling import bootstrap, groups_of, weighted_srcc
from kdiqa.metrics.stored import aligned
from kdiqa.report.intervals import mean_difference, median_interval
from tests.report.made import NOISE, write_run, write_runs


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_runs(folder)
    assert (
        report.main([str(folder / "runs"), "--no-figures", "-o", str(folder / "page.html")]) == 0
    )
    return folder


def script(folder: Path) -> dict[str, Any]:
    """What a reviewer would write: pandas, SciPy, and nothing of ours."""
    found: dict[str, dict[tuple[int, int], dict[str, float]]] = {}
    for file in sorted(folder.glob("runs/*/predictions/test.csv")):
        told = json.loads((file.parents[1] / "results.json").read_text())
        rows = pd.read_csv(file)
        found.setdefault(told["name"], {})[told["split"], told["seed"]] = {
            "srcc": stats.spearmanr(rows["score"], rows["mos"]).statistic,
            "plcc": stats.pearsonr(rows["score"], rows["mos"]).statistic,
            "krcc": stats.kendalltau(rows["score"], rows["mos"]).statistic,
            "rmse": np.sqrt(np.mean((rows["score"] - rows["mos"]) ** 2)),
        }
    made: dict[str, Any] = {}
    for name, runs in found.items():
        values = {
            key: [run[key] for run in runs.values()] for key in ("srcc", "plcc", "krcc", "rmse")
        }
        base = [found["student alone"][key]["srcc"] for key in runs]
        difference = np.subtract(values["srcc"], base)
        made[name] = {
            "median": {key: np.median(column) for key, column in values.items()},
            "std": {key: np.std(column, ddof=1) for key, column in values.items()},
            "difference": difference.mean(),
            "p": stats.wilcoxon(difference).pvalue if difference.any() else None,
        }
    return made


def test_the_report_says_what_a_plain_script_computes(written: Path) -> None:
    stored = json.loads((written / "page.json").read_text())
    expected = script(written)
    (dataset,) = stored["datasets"]
    assert list(dataset["variants"]) == list(expected) == list(NOISE)
    for name, row in dataset["variants"].items():
        for key, value in expected[name]["median"].items():
            assert row["measures"][key]["median"] == pytest.approx(value, rel=0, abs=1e-12)
            spread = expected[name]["std"][key]
            assert row["measures"][key]["std"] == pytest.approx(spread, rel=0, abs=1e-12)
        if name != "student alone":
            mean, p = expected[name]["difference"], expected[name]["p"]
            assert row["difference"]["estimate"] == pytest.approx(mean, rel=0, abs=1e-12)
            assert row["difference"]["p_runs"] == pytest.approx(p, rel=0, abs=1e-12)


def test_parts_are_what_a_plain_script_computes(written: Path) -> None:
    stored = json.loads((written / "page.json").read_text())
    values: dict[str, list[float]] = {}
    for file in sorted(written.glob("runs/0_*/predictions/test.csv")):
        table = pd.read_csv(file)
        means = table["distortion"].map(table.groupby("distortion")["mos"].mean())
        alone = stats.spearmanr(means, table["mos"]).statistic
        values.setdefault("distortion alone", []).append(alone)
        for kind, rows in table.groupby("distortion"):
            srcc = stats.spearmanr(rows["score"], rows["mos"]).statistic
            values.setdefault(str(kind), []).append(srcc)
    found = stored["datasets"][0]["variants"]["student alone"]["parts"]["distortion"]
    medians = {kind: row["median"] for kind, row in found.items()}
    assert medians == pytest.approx({k: np.median(v) for k, v in values.items()}, abs=1e-12)


def test_holm_corrects_over_the_variants_of_a_data_set(written: Path) -> None:
    stored = json.loads((written / "page.json").read_text())
    rows = [
        row["difference"]
        for row in stored["datasets"][0]["variants"].values()
        if "difference" in row
    ]
    for key in ("p_images", "p_runs"):
        assert [row[f"{key}_holm"] for row in rows] == holm([row[key] for row in rows])


def test_page_markdown_and_latex_show_the_stored_numbers(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = json.loads((written / "page.json").read_text())
    page = html.unescape((written / "page.html").read_text())
    report.main([str(written / "runs"), "--no-figures", "--markdown"])
    markdown = capsys.readouterr().out
    report.main([str(written / "runs"), "--no-figures", "--latex"])
    latex = capsys.readouterr().out
    for name, row in stored["datasets"][0]["variants"].items():
        keys = ("srcc", "plcc", "plcc_fit", "krcc", "rmse")
        shown = [f"{row['measures'][key]['median']:.3f}" for key in keys]
        srcc = row["measures"]["srcc"]
        cells = ["6", shown[0], f"{srcc['std']:.3f}", f"{srcc['low']:.3f} to {srcc['high']:.3f}"]
        cells += shown[1:]
        assert f"| {name} | {' | '.join(cells)} |" in markdown
        assert "</td><td>".join(cells) in page
        assert re.sub(r"[&_]", r"\\\g<0>", name) in latex.replace("$<$", "<")
        assert " & ".join(cells) in latex


def test_one_run_has_the_interval_of_its_own_table(tmp_path: Path) -> None:
    rows = write_run(tmp_path / "a", "odd", seed=1)
    other = write_run(tmp_path / "b", "even", seed=2)
    mos, groups = rows["mos"].to_numpy(), groups_of(len(rows), rows["content"])
    mine, base = (table["score"].to_numpy() for table in (rows, other))
    expected = bootstrap(lambda w: weighted_srcc(mine, mos, w), groups)
    assert median_interval([rows]) == expected
    difference = bootstrap(
        lambda w: weighted_srcc(mine, mos, w) - weighted_srcc(base, mos, w), groups
    )
    assert mean_difference([aligned(rows, other)]) == difference


def test_one_pair_of_runs_has_steigers_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, mine = (write_run(tmp_path / "runs" / name, name, seed=1) for name in ("base", "mine"))
    write_run(tmp_path / "runs/other", "other", seed=2)  # which does not pair
    words = [str(tmp_path / "runs"), "--baseline", "base", "--no-figures"]
    assert report.main([*words, "-o", str(tmp_path / "page.html")]) == 0
    variants = json.loads((tmp_path / "page.json").read_text())["datasets"][0]["variants"]
    a, b = (stats.spearmanr(rows["score"], rows["mos"]).statistic for rows in (mine, base))
    ab, n = stats.spearmanr(mine["score"], base["score"]).statistic, len(mine)
    r2 = ((a + b) / 2) ** 2
    s = (ab * (1 - 2 * r2) - r2 * (1 - 2 * r2 - ab**2) / 2) / (1 - r2) ** 2
    z = (np.arctanh(a) - np.arctanh(b)) * np.sqrt((n - 3) / (2 - 2 * s))
    p = 2 * stats.norm.sf(abs(z))
    assert variants["mine"]["difference"]["p_steiger"] == pytest.approx(p, rel=1e-9)
    assert variants["other"]["difference"] is None
    capsys.readouterr()
    assert report.main([*words, "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert "| p images | p Steiger |\n" in printed
    assert f" | {p:.3f} |\n" in printed
    assert "p Steiger: of one pair of runs, its images taken as independent." in printed


def test_an_image_is_drawn_once_for_all_runs_that_were_tested_on_it(tmp_path: Path) -> None:
    rows = write_run(tmp_path / "a", "odd", seed=1)
    # The same run three times knows no more than once.
    assert median_interval([rows] * 3) == median_interval([rows])
    renamed = rows.assign(id="other " + rows["id"], content="other " + rows["content"])
    apart, alike = median_interval([rows, renamed]), median_interval([rows, rows])
    assert apart.high - apart.low < alike.high - alike.low


def test_the_order_of_rows_and_runs_changes_nothing(tmp_path: Path) -> None:
    tables = [write_run(tmp_path / str(split), "odd", split) for split in range(2)]
    turned = [table.sample(frac=1, random_state=1) for table in tables]
    found, again = median_interval(tables), median_interval(turned)
    assert again.estimate == pytest.approx(found.estimate, abs=1e-15)
