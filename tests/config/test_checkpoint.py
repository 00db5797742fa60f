"""What a checkpoint may be: whole, ours, of a format we read, and never a program."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

import kdiqa
from kdiqa.config.checkpoint import FORMAT, Checkpoint
from kdiqa.config.instantiate import ALLOWED, instantiate
from kdiqa.evaluation.run import of_run
from tests.fakes import noisy, picture
from tests.runs import composed, train

GOLDEN = Path(__file__).parents[1] / "golden" / "format_2.ckpt"
TINY = (
    *("data=tid2013", "backbone=log_filters", "second=none", "distill=false"),
    *("module.net.depth=1", "module.net.distorted_depth=1", "module.net.dim=4"),
    *("num_crops=1", "crop_size=48", "data.num_workers=0", "data.batch_size=8"),
    *("trainer=cpu", "trainer.max_epochs=2", "callbacks.progress=null"),
)
HOSTILE = (
    "os.system",
    "subprocess.run",
    "builtins.exec",
    "kdiqa.runtime.launch.run_job",  # ours, and starts a program
    "kdiqa.models.backbone.torch.hub.load",  # begins as ours do, and leads elsewhere
    "kdiqa.data.images.read.io.open",
    "torch.nn.modules.module.torch.load",
    "torch.nn.functional.importlib.import_module",
    "albumentations.__loader__.exec_module",
)


def refused(action: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        action()


def changed(path: Path, **parts: Any) -> Path:
    """Writes the golden checkpoint with other things said of itself."""
    checkpoint = Checkpoint.read(GOLDEN).content
    checkpoint["kdiqa"] |= parts
    torch.save(checkpoint, path)
    return path


def damaged(action: Callable[[], object], path: Path, then: str) -> None:
    """Asserts that a file is told to be damaged; how torch notices differs from cut to cut."""
    with pytest.raises(ValueError, match=r"^'.*' cannot be read as a checkpoint") as caught:
        action()
    error = type(caught.value.__cause__).__name__
    assert str(caught.value) == (
        f"'{path}' cannot be read as a checkpoint ({error}): it is damaged, or holds more than"
        f" weights and plain values. {then}"
    )


def test_a_golden_checkpoint_scores_as_it_did() -> None:
    scorer = kdiqa.load(GOLDEN)
    scores = [scorer.score(noisy(picture(0, 96, 128), strength)) for strength in (0.0, 30.0, 90.0)]
    assert scores == pytest.approx([0.119728, 0.122280, 0.120950], abs=2e-5)
    assert Checkpoint.read(GOLDEN).description["format"] == FORMAT


def test_an_older_format_is_named() -> None:
    path = GOLDEN.with_name("format_1.ckpt")
    refused(
        lambda: kdiqa.load(path),
        f"'{path}' was written by kdiqa 0.1.0 in format 1, and this is kdiqa {kdiqa.__version__},"
        f" which reads format {FORMAT}. Train again with this version.",
    )


def test_a_newer_format_is_named(tmp_path: Path) -> None:
    path = changed(tmp_path / "new.ckpt", format=FORMAT + 1, version="9.1.0")
    refused(
        lambda: Checkpoint.read(path),
        f"'{path}' was written by kdiqa 9.1.0 in format {FORMAT + 1}, and this is kdiqa"
        f" {kdiqa.__version__}, which reads format {FORMAT}. Install the newer one.",
    )


def test_a_description_that_lacks_something_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.ckpt"
    torch.save({"kdiqa": {"version": "0.0.1", "format": FORMAT, "net": "x"}}, path)
    refused(
        lambda: Checkpoint.read(path),
        f"'{path}' was written by kdiqa 0.0.1 and lacks config, pair, data, state_dict: kdiqa"
        f" {kdiqa.__version__} cannot build its net. Train again with this version.",
    )
    torch.save({"kdiqa": "text"}, path)
    refused(
        lambda: Checkpoint.read(path),
        f"'{path}' was not written by kdiqa: it does not say which net its weights belong to."
        " Backbone weights go to backbone.weights.",
    )


def test_weights_that_do_not_fit_their_net_are_named(tmp_path: Path) -> None:
    net = Checkpoint.read(GOLDEN).description["net"].replace("dim: 4", "dim: 8")
    path = changed(tmp_path / "other.ckpt", net=net)
    refused(
        lambda: Checkpoint.read(path).net(),
        f"The weights in '{path}' do not fit the net that it describes. It was written by kdiqa"
        " 0.1.0: install that version, or train again.",
    )


def test_a_checkpoint_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "cut.ckpt", GOLDEN.read_bytes()
    draw = random.Random(0)
    for kept in (0, 1, 4, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(20))):
        path.write_bytes(whole[:kept])
        damaged(lambda: Checkpoint.read(path), path, "Train again, or take a complete copy.")


def test_a_checkpoint_with_a_wrong_bit_is_refused_or_the_same(tmp_path: Path) -> None:
    path, whole = tmp_path / "wrong.ckpt", GOLDEN.read_bytes()
    state, draw = Checkpoint.read(GOLDEN).content["state_dict"], random.Random(0)
    noticed = 0
    for _ in range(100):
        data = bytearray(whole)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        try:
            found = Checkpoint.read(path).content["state_dict"]
        except ValueError as error:
            assert "cannot be read as a checkpoint" in str(error)  # noqa: PT017
            noticed += 1
        else:
            assert all(torch.equal(found[name], state[name]) for name in state)
    assert noticed > 20  # of the rest, most hit what fills a file up


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints") / "run"
    return train(*TINY, f"data.root={fake_data / 'tid2013'}", folder=folder)


def cut(run: Path, tmp_path: Path, name: str) -> Path:
    """Copies a run in which one checkpoint is cut short, as if it had stopped before its end."""
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    (folder / "results.json").unlink()
    path = folder / "checkpoints" / name
    path.write_bytes(path.read_bytes()[:50_000])
    return path


def test_a_resume_from_a_damaged_checkpoint_names_the_other_one(
    run: Path, tmp_path: Path, fake_data: Path
) -> None:
    path = cut(run, tmp_path, "last.ckpt")
    best = path.with_name("best.ckpt")
    then = f"'{best}' is of the best epoch so far: go on from there with\n  cp '{best}' '{path}'"
    words = (*TINY, f"data.root={fake_data / 'tid2013'}", "resume=true")
    damaged(lambda: train(*words, folder=tmp_path / "run"), path, then)


def test_a_damaged_best_checkpoint_names_the_other_one(run: Path, tmp_path: Path) -> None:
    path = cut(run, tmp_path, "best.ckpt")
    last = path.with_name("last.ckpt")
    then = f"'{last}' is of the last epoch: name it in its place, or train again."
    damaged(lambda: kdiqa.load(path.parent.parent), path, then)


def test_a_run_that_was_moved_does_not_forget_its_best_epoch(
    run: Path, tmp_path: Path, fake_data: Path
) -> None:
    folder = tmp_path / "elsewhere"
    shutil.copytree(run, folder)
    (folder / "results.json").unlink()
    words = (*TINY, f"data.root={fake_data / 'tid2013'}", "resume=true")
    refused(
        lambda: train(*words, folder=folder),
        f"This run stood in '{run.resolve()}' when it stopped, and now in '{folder}': its best"
        " checkpoint would be forgotten. Move it back to go on.",
    )


def not_allowed(target: str) -> str:
    return (
        f"The configuration asks for '{target}', which is none of the classes that may be built:"
        f" of {', '.join(ALLOWED)}. See where it comes from before you run it; a class of your own"
        " package is built where you type allow=[mypackage]."
    )


def not_of_a_file(path: Path, target: str) -> str:
    return (
        f"Nothing of '{path}' is built: it asks for '{target}', and a file may build none but"
        " kdiqa's own nets, crops and pairings. If it is yours and you trust the file, name it"
        " yourself: allow=[mypackage] on the command line (--allow mypackage for predict, cost,"
        " export and demo), or kdiqa.load(path, allow=[MyNet]) in Python."
    )


@pytest.mark.parametrize("target", HOSTILE)
def test_a_hostile_configuration_builds_nothing(
    target: str, tmp_path: Path, fake_data: Path
) -> None:
    words = (*TINY, f"data.root={fake_data / 'tid2013'}", f"module.net.backbone._target_={target}")
    cfg = composed(*words, folder=tmp_path / "run")
    refused(lambda: instantiate(cfg.module), not_allowed(target))


def test_a_target_that_does_not_exist_is_named() -> None:
    refused(
        lambda: instantiate({"_target_": "kdiqa.systems.akd.mixer.Mixture"}),
        "The configuration asks for 'kdiqa.systems.akd.mixer.Mixture', and there is no such thing. Look"
        " for a misspelt _target_.",
    )


@pytest.mark.parametrize("target", HOSTILE)
def test_a_hostile_checkpoint_builds_nothing(target: str, tmp_path: Path) -> None:
    net = OmegaConf.create(Checkpoint.read(GOLDEN).description["net"])
    net.backbone = {"_target_": target, "_args_": ["touch /tmp/hostile"]}
    path = changed(tmp_path / "hostile.ckpt", net=OmegaConf.to_yaml(net))
    for load in (kdiqa.load, lambda path: Checkpoint.read(path).net()):
        refused(lambda: load(path), not_of_a_file(path, target))  # noqa: B023


def test_a_hostile_checkpoint_builds_nothing_when_it_is_evaluated(
    run: Path, tmp_path: Path, fake_data: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    path = folder / "checkpoints" / "best.ckpt"
    checkpoint = Checkpoint.read(path).content
    config = OmegaConf.create(checkpoint["kdiqa"]["config"])
    config.data.test_crops = {"_target_": "os.system", "command": "true"}
    checkpoint["kdiqa"]["config"] = OmegaConf.to_yaml(config)
    torch.save(checkpoint, path)
    for name in ("tid2013", "biq2021"):
        refused(
            lambda: of_run(Checkpoint.read(folder), name, str(fake_data / name)),  # noqa: B023
            not_of_a_file(path, "os.system"),
        )


@pytest.mark.parametrize("text", ["${seed}", "${oc.env:HOME}"])
def test_a_description_with_an_interpolation_is_refused(text: str, tmp_path: Path) -> None:
    config = OmegaConf.create(Checkpoint.read(GOLDEN).description["config"])
    config.name = text
    path = changed(tmp_path / "late.ckpt", config=OmegaConf.to_yaml(config))
    refused(
        lambda: kdiqa.load(path),
        f"'{path}' was not written by kdiqa: its description holds an interpolation (${{…}}), which"
        " a run resolves before it writes. Nothing of it is built.",
    )


def test_a_part_of_a_description_may_not_hold_an_interpolation_either(tmp_path: Path) -> None:
    path = changed(tmp_path / "late.ckpt", pair=["image", {"second": "${seed}"}])
    with pytest.raises(ValueError, match="its description holds an interpolation"):
        Checkpoint.read(path)
