"""A search by Optuna: on two ranks, stored in SQLite, resumed, and never mixed."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import torch

from kdiqa.training import search
from tests.launchers.jobs import ON_TWO, needs, train

SPACE = "hydra.sweeper.params={module.optimizer.lr: 'tag(log, interval(1e-4, 3e-3))'}"


def searched(words: list[str], trials: int, cwd: Path) -> subprocess.CompletedProcess[str]:
    swept = ["launcher/search=optuna", SPACE, f"trials={trials}"]
    return train("-m", *words, *swept, cwd=cwd)


@pytest.mark.ddp
@pytest.mark.process
def test_search_on_two_ranks_goes_on_and_gives_both_the_trials_values(
    tmp_path: Path, fake_data: Path
) -> None:
    needs("hydra_optuna_sweeper")
    words = [*ON_TWO, f"data.root={fake_data / 'tid2013'}"]
    for trials in (1, 2, 2):  # it stops after one, goes on with the other, and has none left
        done = searched(words, trials, tmp_path)
        assert done.returncode == 0, done.stderr
    folder = tmp_path / "logs" / "train" / "search"
    drawn = pd.read_sql(
        "select trial_id, param_name, param_value from trial_params order by trial_id",
        sqlite3.connect(folder / "trials.db"),
    )
    rates = drawn[drawn["param_name"] == "module.optimizer.lr"].reset_index()
    found = sorted(path.parent for path in folder.glob("*/results.json"))
    assert len(found) == len(rates) == rates["param_value"].nunique() == 2
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 2  # no rank made its own
    for run, rate in zip(found, rates["param_value"], strict=True):
        logged = pd.read_csv(run / "metrics.csv")["optim/lr-head"].dropna()
        assert logged.tolist() == pytest.approx([rate])
    # Had the second rank another rate, its gradients would be of other weights.
    last = drawn[drawn["trial_id"] == rates["trial_id"][1]]
    values = zip(last["param_name"], last["param_value"], strict=True)
    again = [f"{name}={float(value)!r}" for name, value in values]
    done = train(*words, *again, f"run={tmp_path / 'again'}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    both = [
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for run in (found[1], tmp_path / "again")
    ]
    torch.testing.assert_close(*both, rtol=0, atol=0)


def test_search_with_other_settings_is_refused() -> None:
    before = {"experiment": "akd_demo", "trainer.max_epochs": "2", "trials": "3"}
    same = ["trainer.max_epochs=2", "experiment=akd_demo", "trials=9"]
    storage = "sqlite:////runs/search/trials.db"
    search.check_settings(before, [*same, "seed=0,1"], storage)
    with pytest.raises(SystemExit) as refused:
        search.check_settings(before, ["trainer.max_epochs=5", "experiment=akd_demo"], storage)
    assert str(refused.value) == (
        "The search in '/runs/search' was begun with trainer.max_epochs=2, and this is 5. Type it as"
        " before,\nor begin another one: hydra.sweep.dir=FOLDER"
    )
