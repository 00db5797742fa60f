"""A run folder as training leaves it, written here by hand, and what is read from it."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from kdiqa import figures, report
from kdiqa.metrics.correlation import summarize

NUM_EPOCHS = 5


def write_predictions(
    run: Path, name: str = "test", distortions: Sequence[str | None] = ("blur", "noise", None)
) -> pd.DataFrame:
    random = np.random.default_rng(0)
    mos = random.uniform(size=60)
    rows = pd.DataFrame(
        {
            "id": [f"{i}.png" for i in range(60)],
            "content": "a",
            "distortion": [distortions[i % len(distortions)] for i in range(60)],
            "level": 1,
            "mos": mos,
            "score": mos + random.normal(0, 0.1, 60),
        }
    )
    (run / "predictions").mkdir(parents=True, exist_ok=True)
    rows.to_csv(run / "predictions" / f"{name}.csv", index=False)
    return rows


def write_metrics(run: Path, num_levels: int = 4) -> pd.DataFrame:
    """As Lightning's CSVLogger writes it: a row a call, holes where nothing was logged."""
    rows: list[dict[str, float]] = []
    for epoch in range(NUM_EPOCHS):
        rows += [{"epoch": epoch, "step": 2 * epoch + i, "train/loss_step": 9.0} for i in (0, 1)]
        weights = {f"train/weight_level{i}": 0.1 * i + 0.01 * epoch for i in range(num_levels)}
        losses = {"train/loss_epoch": 1.0 - 0.1 * epoch, "train/loss_score": 0.5 - 0.1 * epoch}
        rows.append({"epoch": epoch, "step": 2 * epoch + 1} | weights | losses)
        rows.append(
            {"epoch": epoch, "step": 2 * epoch + 1, "val/srcc": 0.9 - 0.1 * abs(epoch - 3)}
        )
    rows.append({"epoch": NUM_EPOCHS, "step": 2 * NUM_EPOCHS, "val/srcc": 0.95, "test/srcc": 0.9})
    metrics = pd.DataFrame(rows)
    metrics.to_csv(run / "metrics.csv", index=False)
    return metrics


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "student"
    write_predictions(folder)
    write_metrics(folder)
    return folder


def test_all_that_a_run_stored_is_drawn(run: Path) -> None:
    drawn = report.draw(run)
    assert [path.relative_to(run).as_posix() for path in drawn] == [
        "figures/score_against_opinion.png",
        "figures/level_weights.png",
        "figures/loss_terms.png",
    ]
    for path in drawn:
        pixels = np.asarray(Image.open(path).convert("L"))
        assert min(pixels.shape) > 500
        assert pixels.std() > 5


def test_what_a_run_did_not_store_is_not_drawn(tmp_path: Path) -> None:
    assert report.draw(tmp_path) == []
    write_metrics(tmp_path, num_levels=0)
    assert [path.name for path in report.draw(tmp_path)] == ["loss_terms.png"]


def test_each_tested_dataset_has_its_picture(run: Path) -> None:
    write_predictions(run, "test_live")
    names = [path.name for path in report.draw(run)]
    assert names[:2] == ["score_against_opinion.png", "score_against_opinion_live.png"]


@pytest.mark.parametrize("distortions", [[None], [f"type {i:02d}" for i in range(25)]])
def test_scores_are_drawn_with_no_and_with_many_distortions(
    tmp_path: Path, distortions: list[str | None]
) -> None:
    rows = write_predictions(tmp_path, distortions=distortions)
    legend = figures.score_against_opinion(rows).axes[0].get_legend()
    assert legend is not None
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == [d or "image" for d in distortions] + ["score = MOS", "logistic fit"]


def test_constant_scores_are_drawn_without_a_fit(tmp_path: Path) -> None:
    rows = write_predictions(tmp_path).assign(score=0.5)
    legend = figures.score_against_opinion(rows).axes[0].get_legend()
    assert legend is not None
    assert "logistic fit" not in [text.get_text() for text in legend.get_texts()]


def test_many_levels_make_a_heat_map(tmp_path: Path) -> None:
    few = figures.level_weights(write_metrics(tmp_path, num_levels=4))
    many = figures.level_weights(write_metrics(tmp_path, num_levels=18))
    assert few is not None
    assert many is not None
    assert len(few.axes[0].lines) == 4
    names = [tick.get_text() for tick in many.axes[0].get_yticklabels()]
    assert names == [f"level {i}" for i in range(18)]  # 10 after 9, not after 1


def test_losses_are_those_of_the_epoch_and_not_of_its_last_step(tmp_path: Path) -> None:
    figure = figures.loss_terms(write_metrics(tmp_path))
    assert figure is not None
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    assert list(lines) == ["sum", "score"]
    np.testing.assert_allclose(lines["sum"], 1.0 - 0.1 * np.arange(NUM_EPOCHS))


def test_the_best_epoch_is_one_of_training_and_not_the_last_reading(tmp_path: Path) -> None:
    figure = figures.loss_terms(write_metrics(tmp_path))
    assert figure is not None
    assert [text.get_text() for text in figure.axes[1].texts] == ["best SRCC 0.900, epoch 3"]
    assert max(figure.axes[1].lines[0].get_xdata()) == NUM_EPOCHS - 1


def test_the_table_is_computed_from_the_rows(run: Path) -> None:
    rows = write_predictions(run)
    (tested,) = report.read_tests({"student": run})
    assert tested.metrics == summarize(rows["score"], rows["mos"])
    write_predictions(run, "test_live")
    assert [test.dataset for test in report.read_tests({"student": run})] == ["test", "live"]


def test_the_table_within_contents_is_the_median_over_them(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_predictions(run)
    rows["content"] = [f"scene_{i % 5}" for i in range(60)]
    rows["score"] = rows["score"] + 3.0 * (rows.index % 5)  # scenes that do not compare
    rows.to_csv(run / "predictions" / "test.csv", index=False)
    (tested,) = report.read_tests({"student": run}, within=True)
    within = tested.metrics
    each = [summarize(g["score"], g["mos"])["srcc"] for _, g in rows.groupby("content")]
    assert within["srcc"] == pytest.approx(np.median(each))
    assert report.main(["--within", "--markdown", "--no-figures", str(run)]) == 0
    assert f"| {within['srcc']:.3f} |" in capsys.readouterr().out


def test_the_table_within_contents_needs_their_column(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_predictions(run).drop(columns="content").to_csv(
        run / "predictions" / "test.csv", index=False
    )
    assert report.main(["--within", str(run)]) == 1
    assert capsys.readouterr().err == (
        f"kdiqa report: '{run}/predictions/test.csv': no column content, which --within needs. "
        "Leave --within out.\n"
    )


def test_runs_are_named_as_shortly_as_tells_them_apart(tmp_path: Path) -> None:
    for name in ("a/teacher", "a/student", "b/teacher"):
        write_predictions(tmp_path / name)
    assert list(report.find_runs([tmp_path / "a"])) == ["student", "teacher"]
    assert list(report.find_runs([tmp_path / "a/teacher", tmp_path / "a/student"])) == [
        "teacher",
        "student",
    ]
    assert list(report.find_runs([tmp_path / "a", tmp_path / "b"])) == [
        "student",
        str(tmp_path / "a/teacher"),
        str(tmp_path / "b/teacher"),
    ]


def test_runs_are_called_what_they_call_themselves(run: Path) -> None:
    (run / "results.json").write_text('{"name": "student distilled"}')
    assert report.find_runs([run]) == {"student distilled": run}


def test_a_table_of_single_runs_shows_what_there_is() -> None:
    results = {"teacher": {"srcc": 0.9876, "rmse": 0.05, "n": 40.0}, "student": {"plcc": -0.5}}
    console = Console(file=io.StringIO(), width=120)
    console.print(report.table(results, "Held-out contents"))
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Held-out contents" in printed
    cells = [[cell.strip() for cell in line.split("│")] for line in printed.splitlines()]
    assert ["", "teacher", "0.988", "–", "–", "–", "0.050", "40", ""] in cells
    assert ["", "student", "–", "−0.500", "–", "–", "–", "–", ""] in cells


def test_report_prints_the_table_and_redraws(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(run)]) == 0
    printed = capsys.readouterr().out
    assert "student" in printed
    assert f"3 figures in {run / 'figures'}" in printed


def test_report_prints_markdown_and_leaves_pictures_alone(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(run), "--markdown", "--no-figures"]) == 0
    head = "| | runs | SRCC | PLCC | PLCC fit | KRCC | RMSE |\n|---|---:|"
    assert head in capsys.readouterr().out
    assert not (run / "figures").exists()
    assert not (run / "report.html").exists()


def test_a_folder_that_is_not_there_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err == (
        f"kdiqa report: No run folder at '{tmp_path / 'nowhere'}'. A run prints where it is; "
        "list them with: ls -d logs/*/runs/*\n"
    )


def test_a_run_that_was_not_tested_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_metrics(tmp_path)
    assert report.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"kdiqa report: No predictions/test*.csv below '{tmp_path}': its run is not over, or was "
        "not tested. Let it end, or start it again with the command it was started with.\n"
    )


def test_a_table_of_another_form_is_said_so(run: Path) -> None:
    file = run / "predictions" / "test.csv"
    pd.DataFrame({"name": ["a"], "mos": [1.0]}).to_csv(file, index=False)
    message = (
        f"'{file}': no column score among ['name', 'mos']. A run's own table has index, id, "
        "content, distortion, level, split, mos, score."
    )
    with pytest.raises(report.RunError, match=f"^{re.escape(message)}$"):
        report.read_tests({"student": run})
