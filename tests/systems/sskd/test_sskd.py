"""SSKD: three stages, each resumable, and every ablation by configuration alone."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import kdiqa
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.compose import conf_dir
from kdiqa.config.instantiate import instantiate
from kdiqa.data.cache.contents import contents_of
from kdiqa.data.images.read import read_rgb
from kdiqa.evaluate import teacher_of
from kdiqa.systems.sskd import targets
from kdiqa.systems.sskd.callback import SoftTargets
from kdiqa.systems.sskd.module import SoftTargetModule
from kdiqa.systems.sskd.table import TargetTable
from kdiqa.systems.sskd.targets import ViewDataset, Views, every_image
from kdiqa.training.features import caches_features
from tests import sskd
from tests.fakes import picture, write
from tests.runs import composed, one_step, planned, train, write_weights
from tests.synchronisation import watched
from tests.waiting import until

SWITCHES: dict[str, tuple[str, ...]] = {
    "joint": (),
    "hard targets only": ("distill=false",),
    "soft targets only": ("module.alpha={start:1,end:1}",),
    "α annealed": ("module.alpha.end=0.2",),
    "crop by crop": ("distiller=soft_crop",),
    "mean of views": ("teacher_looks=4", "callbacks.soft_targets.mirrored=true"),
    "own crops of the teacher": (
        "teacher_looks=3",
        "callbacks.soft_targets.crops={_target_:kdiqa.data.crops.Crops,num:1,size:32}",
    ),
    "bins": ("distiller=soft_bins", "net=pooled_bins"),
    "bins, temperature": (
        *("distiller=soft_bins", "net=pooled_bins", "teacher_looks=2"),
        *("module.soft.temperature=4", "module.soft.floor=0.1", "module.net.head.num_bins=10"),
    ),
    "bounded by the teacher": ("module.margin=0.0",),
    "order": ("module.rank=0.5",),
    "hint": (
        *("distiller=soft_hint", "module.hint.teacher_dim=16"),
        "module.hint.student_dim=64",
    ),
    "standardised labels": ("data.label_scale=zscore",),
    "frozen": ("module.net.backbone.frozen=true",),
    "standardised features": ("module.net.input_norm=running", "module.net.input_dropout=0.5"),
    "several crops": ("num_crops=3",),
    "bf16": ("trainer.precision=bf16-mixed",),
}


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory, fake_data: Path) -> tuple[str, ...]:
    home = tmp_path_factory.mktemp("sskd")
    weights = write_weights(home / "weights.pth")
    root = (f"data.root={fake_data / 'tid2013'}", f"module.net.backbone.weights={weights}")
    teacher = train(*sskd.TEACHER, *root, "trainer.max_epochs=1", folder=home / "teacher")
    return (*root, f"teacher={teacher}")


def teacher_in(common: tuple[str, ...]) -> Path:
    return Path(common[-1].removeprefix("teacher="))


@pytest.mark.parametrize("name", SWITCHES)
def test_switch_takes_a_step_that_waits_for_no_value(
    name: str, common: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, hook in (
        (SoftTargetModule, "training_step"),
        (SoftTargets, "on_train_batch_start"),
    ):
        monkeypatch.setattr(owner, hook, watched(getattr(owner, hook)))
    module = one_step(*sskd.STUDENT, *common, *SWITCHES[name], folder=tmp_path / "run")
    terms = module.terms
    total = sum(value for key, value in terms.items() if key.startswith("train/loss_"))
    assert terms["train/loss"] == pytest.approx(total, rel=1e-5)
    assert all(value == value for value in terms.values())
    assert (module.soft is None) == ("distill=false" in SWITCHES[name])
    before = instantiate(composed(*sskd.STUDENT, *common, folder=tmp_path).module.net.backbone)
    now = module.net.backbone
    pairs = zip(before.parameters(), now.parameters(), strict=True)
    assert all(torch.equal(old, new) for old, new in pairs) == (name == "frozen")
    held = zip(before.buffers(), now.buffers(), strict=True)
    assert all(torch.equal(old, new) for old, new in held)  # batch norm has seen nothing


def test_a_hint_trains_its_adapter(common: tuple[str, ...], tmp_path: Path) -> None:
    module = one_step(*sskd.STUDENT, *common, *SWITCHES["hint"], folder=tmp_path / "run")
    assert module.terms["train/loss_hint"] > 0
    trained = [id(p) for group in module.parameter_groups() for p in group["params"]]
    assert {id(p) for p in module.hint.parameters()} <= set(trained)


def prepared(*words: str, folder: Path) -> tuple[object, SoftTargets]:
    """Returns the data of a run and its callback with soft targets, as a run has them."""
    plan = planned(*words, folder=folder)
    callback = plan.build(plan.cfg.callbacks.soft_targets)
    callback.prepare(plan)
    return plan.data, callback


def test_soft_targets_are_the_teachers_own_scores(common: tuple[str, ...], tmp_path: Path) -> None:
    words = (*sskd.STUDENT, *common, "data.label_scale=zscore", "teacher_looks=2")
    data, callback = prepared(*words, folder=tmp_path / "run")
    scorer = kdiqa.load(teacher_in(common), seed_by="name")
    index = data.positions("train")[3]
    record = data.records[index]
    pixels = read_rgb(record.image)
    scores = [
        float(scorer.predict({"image": scorer.views(pixels, name)["image"][None]}))
        for name in (record.name, f"{record.name} look 1")
    ]
    assert scores[0] != scores[1]
    mean, std = callback.table[index].double()
    assert data.label.to_unit(float(mean)) == pytest.approx(np.mean(scores), abs=1e-5)
    assert float(std) * data.label.std == pytest.approx(np.std(scores), abs=1e-5)
    assert callback.table[data.positions("test")].isnan().all()


def test_mirrored_views_share_the_draws_of_the_plain_ones(common: tuple[str, ...]) -> None:
    scorer = kdiqa.load(teacher_in(common), seed_by="name")
    (path,) = [Path(word.removeprefix("data.root=")) for word in common[:1]]
    record = next(r for r in read_all(path))
    crops = ViewDataset([record], scorer, Views(4, True, None), score_in_worker=False)[0]["image"]
    plain = ViewDataset([record], scorer, Views(2, False, None), score_in_worker=False)[0]["image"]
    assert torch.equal(crops[0], plain[0])
    assert torch.equal(crops[2], plain[1])
    assert not torch.equal(crops[1], plain[0])


def read_all(root: Path) -> list:
    from kdiqa.data.readers.tid2013 import TID2013

    data = TID2013(root)
    data.setup()
    return data.records


def test_targets_are_cached_by_teacher_and_split_and_computed_once(
    common: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*sskd.STUDENT, *common, f"callbacks.soft_targets.folder={tmp_path / 'soft'}")
    data, callback = prepared(*words, folder=tmp_path / "a")
    (path,) = (tmp_path / "soft").iterdir()
    assert path.name == f"{callback.digest}-{data.digest[:12]}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "content", "s_mean", "s_std", "check"]
    assert [row["image"] for row in rows] == sorted(record.name for record in every_image(data))
    monkeypatch.setattr(targets, "scores_of", None)  # nothing is scored again
    again = prepared(*words, folder=tmp_path / "b")[1]
    torch.testing.assert_close(again.table, callback.table, rtol=0, atol=0, equal_nan=True)
    monkeypatch.undo()
    other = prepared(*words, "teacher_looks=2", folder=tmp_path / "c")[1]
    assert other.digest != callback.digest
    assert len(list((tmp_path / "soft").iterdir())) == 2


def test_cached_features_of_a_teacher_replace_new_views(
    common: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ("features=cached", f"cache.folder={tmp_path / 'cache'}", "test_crops=full")
    same = ("data.train_crops.mode=full", "data.test_crops.size=32")
    frozen = ("module.net.backbone.frozen=true", "trainer.max_epochs=1", "num_test_crops=1")
    words = (*sskd.TEACHER, *common[:2], *cache, *same, *frozen)
    teacher = train(*words, folder=tmp_path / "teacher")
    made = sorted((tmp_path / "cache").iterdir())
    asked = (*sskd.STUDENT, *common[:2], f"teacher={teacher}")
    scored = prepared(*asked, folder=tmp_path / "a")[1]
    monkeypatch.setattr(targets, "scores_of", None)
    reading = ("callbacks.soft_targets.kept=true", cache[1])
    cached = prepared(*asked, *reading, folder=tmp_path / "b")[1]
    assert sorted((tmp_path / "cache").iterdir()) == made  # read, and nothing else computed
    assert cached.digest != scored.digest
    torch.testing.assert_close(cached.table, scored.table, atol=1e-3, rtol=0, equal_nan=True)
    refused = (*sskd.STUDENT, *common, "callbacks.soft_targets.kept=true")
    message = (
        f"The run of the teacher in '{teacher_in(common)}' cached no features (features=online)."
        " Set callbacks.soft_targets.kept=false, and it scores the images again."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        prepared(*refused, folder=tmp_path / "c")


def test_an_interrupted_table_goes_on_where_it_was(
    common: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*sskd.STUDENT, *common, f"callbacks.soft_targets.folder={tmp_path / 'soft'}")
    uninterrupted = prepared(*words[:-1], folder=tmp_path / "a")[1]
    monkeypatch.setattr(targets, "BATCH", 4)
    asked: list[str] = []
    get = ViewDataset.__getitem__

    def dies(self: ViewDataset, index: int) -> object:
        asked.append(self.records[index].name)
        if len(asked) == 11:
            raise KeyboardInterrupt
        return get(self, index)

    monkeypatch.setattr(ViewDataset, "__getitem__", dies)
    with pytest.raises(KeyboardInterrupt):
        prepared(*words, folder=tmp_path / "b")
    (part,) = (tmp_path / "soft").iterdir()
    with part.open("a") as file:
        file.write("half a r")
    data, callback = prepared(*words, folder=tmp_path / "b")
    torch.testing.assert_close(callback.table, uninterrupted.table, rtol=0, atol=0, equal_nan=True)
    assert len(asked) == len(every_image(data)) + 3  # eight were in the table, three scored again
    assert [path.suffix for path in (tmp_path / "soft").iterdir()] == [".csv"]


def test_two_builds_at_once_do_each_other_no_harm(tmp_path: Path, common: tuple[str, ...]) -> None:
    records = read_all(Path(common[0].removeprefix("data.root=")))[:4]
    target = targets.Target(0.25, 0.125)
    contents = contents_of(record.image for record in records)
    one = TargetTable(tmp_path / "t.csv", contents)
    one.append([(records[0], target)])
    other = TargetTable(tmp_path / "t.csv", contents)
    assert records[0] in other
    one.append([(records[1], target)])
    other.finish()
    one.finish()
    held = TargetTable(tmp_path / "t.csv", contents)
    assert records[1] in held
    assert held[records[0]] == target


def test_a_target_is_of_an_image_s_bytes_and_as_it_was_written(
    tmp_path: Path, common: tuple[str, ...]
) -> None:
    records = read_all(Path(common[0].removeprefix("data.root=")))[:3]
    contents = contents_of(record.image for record in records)
    path, target = tmp_path / "t.csv", targets.Target(0.25, 0.125)
    one = TargetTable(path, contents)
    one.append([(record, target) for record in records])
    one.finish()
    replaced = TargetTable(path, contents | {records[0].image: "other bytes"})
    assert [record in replaced for record in records] == [False, True, True]
    path.write_text(path.read_text().replace("0.25", "0.75", 1))
    altered = TargetTable(path, contents)
    assert sum(record in altered for record in records) == 2
    path.write_text(path.read_text()[5:])  # no table any more
    lost = TargetTable(path, contents)
    assert not any(record in lost for record in records)
    lost.append([(records[0], target)])
    lost.finish()
    assert records[0] in TargetTable(path, contents)


def test_a_teacher_of_another_split_is_refused(common: tuple[str, ...], tmp_path: Path) -> None:
    teacher = teacher_in(common)
    theirs = Checkpoint.read(teacher).description["data"]["digest"]
    words = (*sskd.STUDENT, *common, "split=1", "data.guard=warn")
    data = instantiate(composed(*words, folder=tmp_path / "run").data)
    data.setup()
    message = (
        f"The teacher in '{teacher}' has learnt from another split ({theirs[:12]}) than this run"
        f" has ({data.digest[:12]}), and its soft targets could carry labels of the test split.\n"
        "Train one on this split with teacher=train, or set split, data.stored_split, data.guard"
        " and data.root as it had them."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        planned(*words, folder=tmp_path / "run")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("distiller=soft_bins",),
            "Soft targets over bins (distiller=soft_bins) need a student that predicts bins, and this"
            " one has a ScoreHead. Set net=pooled_bins, or distiller=soft_score.",
        ),
        (
            ("distiller=soft_bins", "net=pooled_bins", "data.label_scale=zscore"),
            "The student's bins lie in [0, 1] (net=pooled_bins), and its labels do not"
            " (data.label_scale=zscore). Set data.label_scale=unit.",
        ),
        (
            ("teacher_looks=0",),
            "A teacher of 0 views scores nothing. Set callbacks.soft_targets.looks to at least 1.",
        ),
        (
            ("distill=false", "data/unlabelled=distorted"),
            "Images without labels (data.unlabelled) teach nothing here: this run has no"
            " teacher. Set data/unlabelled=[], or a distiller.",
        ),
    ],
)
def test_what_does_not_fit_is_one_message(
    words: tuple[str, ...], message: str, common: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(Exception, match=re.escape(message)):
        one_step(*sskd.STUDENT, *common, *words, folder=tmp_path / "run")


def test_a_pool_teaches_without_labels(common: tuple[str, ...], tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "pool" / "deep" / f"{number}.png", picture(70 + number, 40, 48))
    words = (*sskd.STUDENT, *common, "data/unlabelled=distorted", f"pool={tmp_path / 'pool'}")
    words = (*words, f"data.unlabelled.cache={tmp_path / 'copies'}", "data.unlabelled.copies=2")
    data, callback = prepared(*words, folder=tmp_path / "run")
    count = len(data.positions("train"))
    assert len(data.extra) == 3 + 2 * (count + 3)
    dataset = data.dataset("train")
    assert len(dataset) == count + len(data.extra)
    assert len(data.dataset("train", training=False)) == count
    last = dataset[len(dataset) - 1]
    assert last["mos"].isnan()
    assert not callback.table[last["index"]].isnan().any()
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "copies").iterdir()}
    module = one_step(*words, folder=tmp_path / "run")
    assert all(value == value for value in module.terms.values())
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "copies").iterdir()}


def test_a_pool_that_shows_the_test_images_is_dealt_with(
    common: tuple[str, ...], tmp_path: Path
) -> None:
    data = prepared(*sskd.STUDENT, *common, folder=tmp_path / "plain")[0]
    tested = data.records[data.positions("test")[0]]
    pristine = tested.reference
    shutil.copy(pristine, tmp_path / f"copy{pristine.suffix}")
    write(tmp_path / "pool" / "other.png", picture(71, 40, 48))
    shutil.copy(pristine, tmp_path / "pool")
    words = (*sskd.STUDENT, *common, "data/unlabelled=folder", f"pool={tmp_path / 'pool'}")
    with pytest.raises(ValueError, match=r"^Unlabelled images show what the run validates or te"):
        planned(*words, folder=tmp_path / "a")
    dropped = planned(*words, "data.guard=drop", folder=tmp_path / "b").data
    assert [record.image.name for record in dropped.extra] == ["other.png"]
    warned = planned(*words, "data.guard=warn", folder=tmp_path / "c").data
    assert len(warned.extra) == 2


def test_a_student_of_one_image_is_a_scorer_like_any_other(
    common: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from kdiqa.evaluation.run import evaluated, of_run
    from kdiqa.predict import main

    words = (*sskd.STUDENT, *common, "trainer.max_epochs=1", "num_test_crops=2")
    folder = train(*words, folder=tmp_path / "run")
    root = Path(common[0].removeprefix("data.root="))
    with (folder / "predictions" / "test.csv").open(newline="") as file:
        stored = {row["id"]: float(row["score"]) for row in csv.DictReader(file)}
    ours = kdiqa.load(folder, seed_by="name").score([root / name for name in stored])
    np.testing.assert_allclose(ours, np.clip([*stored.values()], 0, 1), rtol=0, atol=1e-5)
    evaluation = of_run(Checkpoint.read(folder), "tid2013", str(root))
    evaluation.folder = tmp_path / "evaluated"
    assert evaluated(evaluation)["metrics"]["test"]["srcc"] == pytest.approx(
        soft_metrics(folder)["srcc"], abs=1e-6
    )
    teacher = teacher_of(Checkpoint.read(folder))
    assert teacher is not None
    assert teacher.folder == teacher_in(common)
    capsys.readouterr()
    images = [str(root / name) for name in list(stored)[:2]]
    assert main([*images, "--model", str(folder), "--workers", "0"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def soft_metrics(folder: Path) -> dict[str, float]:
    import json

    return json.loads((folder / "results.json").read_text())["metrics"]["test"]


def test_kept_features_serve_a_frozen_student_of_one_image(
    common: tuple[str, ...], tmp_path: Path
) -> None:
    frozen = ("module.net.backbone.frozen=true", f"cache.folder={tmp_path / 'cache'}")
    words = (*sskd.STUDENT, *common, "features=cached", *frozen, "num_test_crops=1")
    folder = train(*words, "trainer.max_epochs=1", folder=tmp_path / "run")
    assert (folder / "results.json").is_file()


def test_training_goes_on_from_given_weights_and_from_no_others(
    common: tuple[str, ...], tmp_path: Path
) -> None:
    words = (*sskd.STUDENT, *common, "trainer.max_epochs=1")
    first = train(*words, folder=tmp_path / "first")
    still = ("module.optimizer.lr=0", "module.backbone_lr=0", f"start={first}")
    second = train(*words, *still, folder=tmp_path / "second")
    one, two = (Checkpoint.read(folder).content["state_dict"] for folder in (first, second))
    torch.testing.assert_close(one, two, rtol=0, atol=0)
    message = (
        f"'{first / 'checkpoints' / 'best.ckpt'}' holds the weights of another net: 3 tensors are"
        " missing, are not in this one, or have another shape, first head.bias. Set start to a run"
        " of the same module.net, or start=null."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        train(*words, *still, "net=pooled_bins",
              "distiller=soft_bins", folder=tmp_path / "third")  # fmt: skip


NAMES = sorted(path.stem for path in (conf_dir() / "experiment").glob("sskd_*.yaml"))
NAMES = [*NAMES, "edge_biq2021"]


@pytest.mark.parametrize("name", ["edge_biq2021", "sskd_biq2021"])
def test_what_is_kept_is_of_one_size(name: str, tmp_path: Path) -> None:
    cfg = composed(f"experiment={name}", "teacher=/a", folder=tmp_path)
    assert caches_features(cfg)
    assert not any(instantiate(cfg.data[key]).differ for key in ("train_crops", "test_crops"))


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_takes_a_step(
    name: str, common: tuple[str, ...], tmp_path: Path, fake_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("KDIQA_DATA", str(fake_data))
    monkeypatch.setenv("KDIQA_BACKBONES", "/none")
    tiny = (*sskd.PLAIN[4:5], *sskd.PLAIN[8:], common[1], "data.batch_size=4", "num_test_crops=2")
    tiny = (*tiny, "data.guard=warn")
    words = (f"experiment={name}", *tiny)
    if name != "sskd_teacher":
        data = next(iter(re.findall(r"override /data: (\w+)", text_of(name))))
        teacher = (f"data={data}", *tiny, "trainer.max_epochs=1", "data.batch_size=4")
        run = train("experiment=sskd_teacher", *teacher, folder=tmp_path / "teacher")
        words = (*words, f"teacher={run}")
        if "teacher_looks" in text_of(name):
            words = (*words, "teacher_looks=2")
    module = one_step(*words, folder=tmp_path / "run")
    assert all(value == value for value in module.terms.values())


def text_of(name: str) -> str:
    return (conf_dir() / "experiment" / f"{name}.yaml").read_text()


def command(folder: Path, *words: str) -> subprocess.Popen:
    words = [sys.executable, "-m", "kdiqa.train", *words, f"run={folder}", "resume=true"]
    return subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL)


def killed_when(folder: Path, there: Path, *words: str) -> None:
    """Starts the command and kills all of it once a file is there."""
    process = command(folder, *words)
    try:
        until(there.is_file, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.process
def test_one_command_runs_all_stages_and_killing_it_changes_nothing(
    common: tuple[str, ...], tmp_path: Path
) -> None:
    words = (*sskd.STUDENT, *common, *sskd.STAGES)
    uninterrupted, cut = tmp_path / "uninterrupted", tmp_path / "cut"
    assert command(uninterrupted, *words).wait(900) == 0
    killed_when(cut, cut / "stage1" / "checkpoints" / "last.ckpt", *words)  # within stage 1
    killed_when(cut, cut / "stage1" / "results.json", *words)  # between the stages
    killed_when(cut, cut / "checkpoints" / "last.ckpt", *words)  # within stage 2
    assert command(cut, *words).wait(900) == 0
    for path in ("checkpoints/last.ckpt", "stage1/checkpoints/last.ckpt"):
        one, two = (
            torch.load(folder / path, weights_only=True)["state_dict"]
            for folder in (uninterrupted, cut)
        )
        torch.testing.assert_close(one, two, rtol=0, atol=0)
    assert soft_metrics(uninterrupted) == soft_metrics(cut)
    first, second = (
        torch.load(uninterrupted / path, weights_only=True)["state_dict"]
        for path in ("stage1/checkpoints/last.ckpt", "checkpoints/last.ckpt")
    )
    assert any(not torch.equal(first[key], second[key]) for key in first)


def test_a_table_of_scores_is_a_teacher(common: tuple[str, ...], tmp_path: Path) -> None:
    root = Path(common[0].removeprefix("data.root="))
    table = tmp_path / "scores.csv"
    rows = [
        f"some/where/{record.name.upper()},{i / 100}" for i, record in enumerate(read_all(root))
    ]
    table.write_text("\n".join(["image,score,else", *(f"{row},x" for row in rows)]))
    words = (*sskd.STUDENT, *common[:2], f"teacher={table}")
    data, callback = prepared(*words, folder=tmp_path / "a")
    names = [record.name for record in read_all(root)]
    for index in data.positions("train"):
        assert float(callback.table[index, 0]) == pytest.approx(
            names.index(data.records[index].name) / 100
        )
    assert callback.table[data.positions("test")].isnan().all()
    assert one_step(*words, folder=tmp_path / "b").terms["train/loss_soft"] > 0
    levels = ("data=tid2013", *sskd.PLAIN[1:], "distiller=soft_crop", "module=soft_target")
    message = (
        "A table of scores, or several runs, teach by soft targets, and this run learns more of its"
        " teacher. Set module=soft_target distiller=soft_score, or teacher=RUN."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        planned(*levels, *common[:2], f"teacher={table}", folder=tmp_path / "c")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a.bmp,0.5"], "has no score of "),
        (
            ["a.bmp,0.5", "x/A.BMP,0.4"],
            "line 3: the image again. Give each file name one score in",
        ),
        (["a.bmp,1.5"], "line 2: a score of 1.5. Give each file name one score in [0, 1], higher"),
        (None, "Write one with the columns image,score, or set teacher to a run folder."),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    rows: list[str] | None, message: str, common: tuple[str, ...], tmp_path: Path
) -> None:
    table = tmp_path / "scores.csv"
    if rows is not None:
        table.write_text("\n".join(["image,score", *rows]))
    with pytest.raises((ValueError, FileNotFoundError), match=re.escape(message)):
        prepared(*sskd.STUDENT, *common[:2], f"teacher={table}", folder=tmp_path / "run")


def test_several_teachers_teach_their_mean(common: tuple[str, ...], tmp_path: Path) -> None:
    words = (*sskd.TEACHER, *common[:2], "trainer.max_epochs=1")
    other = train(*words, "seed=1", folder=tmp_path / "other")
    each = [
        prepared(*sskd.STUDENT, *common[:2], f"teacher={one}", folder=tmp_path / str(number))[1]
        for number, one in enumerate((teacher_in(common), other))
    ]
    both = (*sskd.STUDENT, *common[:2], f"teacher=['{teacher_in(common)}','{other}']")
    table = prepared(*both, folder=tmp_path / "both")[1].table
    stacked = torch.stack([one.table[:, 0] for one in each])
    torch.testing.assert_close(table[:, 0], stacked.mean(0), equal_nan=True)
    deviation = stacked.std(0, correction=0)
    assert deviation.nan_to_num().max() > 1e-4
    torch.testing.assert_close(table[:, 1], deviation, equal_nan=True, atol=1e-6, rtol=1e-3)


def test_a_full_reference_teacher_sees_each_images_own_reference(
    common: tuple[str, ...], tmp_path: Path
) -> None:
    for number in range(3):
        write(tmp_path / "pool" / f"{number}.png", picture(70 + number, 40, 48))
    paired = (
        "data.pairs.second={_target_:kdiqa.data.pairs.pairing.Reference}",
        "module.pair=[image,second]",
        "module.net._target_=kdiqa.models.pooled.PooledPairNet",
    )
    words = (*sskd.TEACHER, *common[:2], *paired, "module=teacher", "test_crops=center")
    teacher = train(*words, folder=tmp_path / "fr")
    words = (*sskd.STUDENT, *common[:2], f"teacher={teacher}", "data/unlabelled=synthetic")
    words = (*words, f"pool={tmp_path / 'pool'}", f"data.unlabelled.cache={tmp_path / 'copies'}")
    data, callback = prepared(*words, folder=tmp_path / "run")
    net = Checkpoint.read(teacher).net()
    assert len(data.extra) == 12
    dataset = data.dataset("train", training=True)
    for index in (0, len(dataset) - 1):
        record, position = dataset.records[index], dataset.positions[index]
        pair = [read_rgb(path) for path in (record.image, record.reference)]
        middle = [x[(x.shape[0] - 32) // 2 :, (x.shape[1] - 32) // 2 :][:32, :32] for x in pair]
        crops = [torch.from_numpy(x.copy()).permute(2, 0, 1)[None, None] for x in middle]
        with torch.no_grad():
            score = net(*net.backbone(crops)).score.item()
        assert float(callback.table[position, 0]) == pytest.approx(score, abs=1e-4)
    assert not callback.table[dataset.positions].isnan().any()
