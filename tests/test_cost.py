"""`kdiqa cost`: counts that can be checked by hand, for students and teachers alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

import kdiqa
from kdiqa.cost import cost, main, multiply_adds, table
from tests.fakes import picture
from tests.reads import counted
from tests.runs import STUDENT, TEACHER, train

ONE = ("trainer.max_epochs=1", "module.net.backbone.weights=random")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> dict[str, Path]:
    home, root = tmp_path_factory.mktemp("cost"), f"data.root={fake_data / 'tid2013'}"
    words = {
        "pair": (*STUDENT, "distill=false", "name=pair"),
        "itself": (*STUDENT, "distill=false", "second=none", "name=itself"),
        "teacher": TEACHER,
    }
    return {name: train(*more, *ONE, root, folder=home / name) for name, more in words.items()}


def test_multiply_adds_are_those_of_the_formulas() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, groups=8), nn.Flatten(), nn.Linear(72, 5)
    )
    by_hand = 5 * 5 * 8 * 3 * 9 + 3 * 3 * 8 * 9 + 72 * 5
    with torch.inference_mode():
        assert multiply_adds(lambda: net(torch.zeros(1, 3, 5, 5))) == by_hand


def test_a_second_image_costs_a_pass_of_the_backbone(runs: dict[str, Path]) -> None:
    costs = {name: cost(run, picture(0, 64, 64), repeats=1) for name, run in runs.items()}
    backbone = kdiqa.load(runs["pair"]).net.backbone
    crops = torch.zeros(1, 2, 3, 32, 32)
    with torch.inference_mode():
        one = multiply_adds(lambda: backbone([crops]))
    assert costs["pair"].macs - costs["itself"].macs == one > 0
    assert costs["teacher"].macs > costs["pair"].macs
    assert [costs[name].crops for name in runs] == ["4 of 32×32", "2 of 32×32", "4 of 32×32"]


def test_the_file_is_read_once(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    reads = counted(monkeypatch)
    cost(runs["teacher"], picture(0, 64, 64), repeats=1)
    assert reads == {runs["teacher"] / "checkpoints" / "best.ckpt": 1}


def test_trained_parameters_are_those_the_run_counted(runs: dict[str, Path]) -> None:
    measured = cost(runs["pair"], picture(0, 64, 64), repeats=3)
    counted = json.loads((runs["pair"] / "results.json").read_text())["trainable_parameters"]
    frozen = sum(p.numel() for p in kdiqa.load(runs["pair"]).net.backbone.parameters())
    assert (measured.trained, measured.parameters) == (counted, counted + frozen)
    assert 0 < measured.net_ms < 1e4
    assert 0 < measured.whole_ms < 1e4


def test_the_command_prints_one_row_a_run(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture(1, 48, 64)).save(path)
    words = [*map(str, runs.values()), str(runs["pair"]), "--picture", str(path), "--repeats", "1"]
    assert main([*words, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["pair", "itself", "teacher", "pair"]
    assert main([*words, "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 4
    assert lines[2].startswith(f"| pair ({runs['pair']}) | ")
    assert lines[3].startswith("| itself | ")
    assert main(words) == 0
    assert "What one score costs" in capsys.readouterr().out


def test_the_markdown_row_is_complete(runs: dict[str, Path]) -> None:
    measured = cost(runs["itself"], picture(0, 64, 64), repeats=1)
    row = table([measured]).markdown().splitlines()[-1]
    numbers = f"{measured.parameters / 1e6:.3f} M | {measured.trained / 1e6:.3f} M | 2 of 32×32"
    times = f"{measured.macs / 1e6:,.1f} | {measured.net_ms:.1f} | {measured.whole_ms:.1f}"
    assert row == f"| itself | {numbers} | {times} |"


def test_what_is_no_run_is_one_message(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "nothing")])
    assert stopped.value.code == 2
    message = (
        "kdiqa cost: error: No checkpoint at '"
        f"{tmp_path / 'nothing'}': neither a file nor a run folder with checkpoints/best.ckpt."
        " Train one with: python -m kdiqa.train experiment=akd_demo\n"
    )
    assert capsys.readouterr().err.endswith(message)
    with pytest.raises(SystemExit):
        main(["run", "--repeats", "0"])
    message = "kdiqa cost: error: --repeats is 0; give at least 1.\n"
    assert capsys.readouterr().err.endswith(message)
