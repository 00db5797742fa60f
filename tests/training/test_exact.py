"""Numbers one can check: the same table however it was computed, and SciPy alone finds them again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from kdiqa import report
from kdiqa.metrics.correlation import summarize
from kdiqa.metrics.stored import COLUMNS, read_rows
from tests.runs import STUDENT, train, write_weights
from tests.training.test_ddp import TWO, call


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> tuple[str, ...]:
    """Returns a student that learns nothing, so that all processes hold the same weights."""
    weights = write_weights(tmp_path_factory.mktemp("exact") / "weights.pth")
    # by image, so that val and test hold odd numbers, which two processes cannot share evenly
    held = ("data.split_by=image", "data.guard=warn", "data.ratios=[0.4,0.3,0.3]")
    root = (f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}")
    own = ("distill=false", "trainer.max_epochs=1", "module.optimizer.lr=0")
    kept = [w for w in STUDENT if not w.startswith(("data.batch_size", "data.num_workers"))]
    return (*kept, *root, *held, *own)


@pytest.fixture(scope="module")
def run(words: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exact") / "run"
    return train(*words, "data.batch_size=8", "data.num_workers=0", folder=folder)


def same(run: Path, other: Path) -> None:
    for split in ("val", "test"):
        tables = [folder / "predictions" / f"{split}.csv" for folder in (run, other)]
        assert tables[0].read_bytes() == tables[1].read_bytes()
    metrics = [json.loads((f / "results.json").read_text())["metrics"] for f in (run, other)]
    assert metrics[0] == metrics[1]


@pytest.mark.parametrize(("batch_size", "num_workers"), [(3, 0), (5, 2)])
def test_batch_size_and_workers_change_no_bit(
    run: Path, words: tuple[str, ...], tmp_path: Path, batch_size: int, num_workers: int
) -> None:
    other = (f"data.batch_size={batch_size}", f"data.num_workers={num_workers}")
    same(run, train(*words, *other, folder=tmp_path / "other"))


@pytest.mark.ddp
@pytest.mark.process
def test_two_processes_that_pad_an_odd_split_change_no_bit(
    run: Path, words: tuple[str, ...], tmp_path: Path
) -> None:
    plain = [word for word in words if not word.startswith("trainer=")]
    other = ("data.batch_size=4", "data.num_workers=0", *TWO)
    same(run, call(*plain, *other, folder=tmp_path / "two"))
    assert len(read_rows(run / "predictions" / "test.csv")) % 2 == 1


def test_rows_say_all_that_a_breakdown_asks(run: Path) -> None:
    for split in ("val", "test"):
        rows = read_rows(run / "predictions" / f"{split}.csv")
        assert tuple(rows.columns) == COLUMNS
        assert (rows["split"] == split).all()
        assert rows["index"].is_monotonic_increasing
        assert rows["id"].is_unique
        assert rows[["content", "distortion", "level"]].notna().all(axis=None)


def recomputed(path: Path, fits: bool = True) -> dict[str, float]:
    """Twenty lines of pandas and SciPy, nothing of ours: what a reviewer would write."""
    rows = pd.read_csv(path, converters={"score": float, "mos": float})
    x, y = rows["score"].to_numpy(), rows["mos"].to_numpy()
    z, t = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    curves = {
        "": lambda z, a, b, c, d: (a - b) / (1 + np.exp(-(z - c) / abs(d))) + b,
        "5": lambda z, a, b, c, d, e: a * (0.5 - 1 / (1 + np.exp(b * (z - c)))) + d * z + e,
    }
    starts = {"": (1.0, -1.0, 0.0, 1.0), "5": (2.0, 1.0, 0.0, 0.0, 0.0)}
    found = {
        "srcc": stats.spearmanr(x, y).statistic,
        "plcc": stats.pearsonr(x, y).statistic,
        "krcc": stats.kendalltau(x, y).statistic,
        "rmse": np.sqrt(np.mean((x - y) ** 2)),
        "n": len(rows),
    }
    for name, curve in curves.items() if fits else ():
        fit = optimize.curve_fit(curve, z, t, starts[name], ftol=1e-14, xtol=1e-14, maxfev=9**6)[0]
        fitted = y.mean() + y.std() * curve(z, *fit)
        found[f"plcc_fit{name}"] = stats.pearsonr(fitted, y).statistic
        found[f"rmse_fit{name}"] = np.sqrt(np.mean((fitted - y) ** 2))
    return found


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::scipy.optimize.OptimizeWarning")
def test_scipy_alone_finds_the_reports_numbers_in_the_stored_rows(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    score = np.float32(np.linspace(-1, 1, 400))
    mos = np.tanh(3 * score) + 0.3 * score + random.normal(0, 0.1, 400)
    rows = pd.DataFrame({"id": np.arange(400), "mos": mos, "score": score.astype(float)})
    (tmp_path / "predictions").mkdir()
    rows.to_csv(tmp_path / "predictions" / "test.csv", index=False)
    (tested,) = report.read_tests({"run": tmp_path})
    metrics = dict(tested.metrics)
    theirs = recomputed(tmp_path / "predictions" / "test.csv")
    assert metrics.pop("fit_ok") == metrics.pop("fit5_ok") == 1
    assert metrics == pytest.approx(theirs, rel=0, abs=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::scipy.optimize.OptimizeWarning")
def test_scipy_alone_finds_a_runs_own_numbers_in_its_rows(run: Path) -> None:
    results = json.loads((run / "results.json").read_text())["metrics"]
    for split in ("val", "test"):
        file = run / "predictions" / f"{split}.csv"
        rows = read_rows(file)
        told = results[split]
        assert told == summarize(rows["score"], rows["mos"])  # to the last bit, the curves too
        # Eleven images of a net that learnt nothing do not determine a curve.
        theirs = recomputed(file, fits=False)
        assert {name: told[name] for name in theirs} == pytest.approx(theirs, rel=0, abs=1e-12)


def test_the_last_point_of_a_curve_is_the_number_of_the_table(run: Path) -> None:
    logged = pd.read_csv(run / "metrics.csv")
    for split in ("val", "test"):
        rows = read_rows(run / "predictions" / f"{split}.csv")
        for name, value in summarize(rows["score"], rows["mos"]).items():
            last = logged[f"{split}/{name}"].dropna().iloc[-1]
            assert np.float32(last) == np.float32(value), name  # loggers hold float32
