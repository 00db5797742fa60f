"""The sweep of Weights & Biases types what Hydra understands."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from tests.runs import composed

FILE = Path(__file__).parents[2] / "experiments" / "sweeps" / "wandb_sweep.yaml"
SWEEP: dict[str, Any] = yaml.safe_load(FILE.read_text())


def ends(parameter: dict[str, Any]) -> list[Any]:
    return parameter.get("values") or [parameter["min"], parameter["max"]]


TRIALS = [
    {name: given[place % len(given)] for name, given in
     ((name, ends(one)) for name, one in SWEEP["parameters"].items())}
    for place in range(max(len(ends(one)) for one in SWEEP["parameters"].values()))
]  # fmt: skip


@pytest.mark.parametrize("trial", TRIALS, ids=str)
def test_agents_command_composes_with_the_trials_values(
    trial: dict[str, Any], tmp_path: Path
) -> None:
    args = create_sweep_command_args({"args": {name: {"value": x} for name, x in trial.items()}})
    words: list[str] = []
    for part in create_sweep_command(list(SWEEP["command"])):
        words += args["args_no_hyphens"] if part == "${args_no_hyphens}" else [part]
    assert words[:4] == ["${env}", "python", "-m", "kdiqa.train"]
    cfg = composed(*words[4:], folder=tmp_path)
    assert cfg.module.optimizer.lr == trial["module.optimizer.lr"]
    assert cfg.callbacks.distillation.schedule.weight == pytest.approx(
        trial["callbacks.distillation.schedule.weight"]
    )
    assert cfg.logger.wandb.offline is False
    assert cfg.compare is None


def test_search_looks_at_validation_only() -> None:
    assert SWEEP["metric"] == {"name": "val/srcc_best", "goal": "maximize"}
    assert len(list(product(*(ends(one) for one in SWEEP["parameters"].values())))) > 1
