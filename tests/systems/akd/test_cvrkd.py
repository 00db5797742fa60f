"""CVRKD-IQA from teacher to score: pools in training, one bank wherever a score is taken."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf

import kdiqa
from kdiqa import evaluate
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.cost import cost
from kdiqa.data.pairs.pool import WHERE
from kdiqa.models.backbone import Backbone
from kdiqa.predict import main as predict
from kdiqa.training.distillation import Distillation
from kdiqa.training.student import StudentModule
from tests.fakes import picture, write
from tests.runs import TINY, one_step, train, write_weights
from tests.synchronisation import watched

SMALL = ("module.net.dim=16", "module.net.embed_dim=8", "module.net.head_dim=8")
OURS = (*TINY, "fusion=cat", *SMALL, "module.net.depth=2", "module.net.distorted_depth=1")
HOT = ((Distillation, "on_train_batch_start"), (StudentModule, "training_step"))
# By name, the references that evaluation compares every image with, and what is typed.
SWITCHES: dict[str, tuple[int, tuple[str, ...]]] = {
    "as it is": (3, ()),
    "NR student without the branch": (0, ("second=none", "fusion=none_diff", "distill=false")),
    "NR student compared with itself": (0, ("second=none", "distill=false")),
    "NAR without KD": (3, ("distill=false",)),
    "FR upper bound": (0, ("second=reference", "distill=false")),
    "NAR of similar content": (0, ("second=reference", "data.pairs.second.aligned=false")),
    "teacher of the student's pair": (3, ("distiller/teacher_pair=[]",)),
    "one drawn reference": (0, ("bank=null",)),
    **{f"bank of {count}": (count, (f"bank={count}",)) for count in (1, 5, 10)},
    "levels one by one": (3, ("module.net.level_fusion=late", "distill=false")),
}


@pytest.fixture(scope="module")
def pool(home: Path) -> Path:
    for i in range(12):
        write(home / "pool" / f"{i}.png", picture(50 + i))
    return home / "pool"


@pytest.fixture(scope="module")
def root(home: Path, fake_data: Path) -> tuple[str, str]:
    weights = write_weights(home / "weights.pth")
    return (f"data.root={fake_data / 'kadid10k'}", f"module.net.backbone.weights={weights}")


@pytest.fixture(scope="module")
def teacher(home: Path, root: tuple[str, str]) -> Path:
    words = ("experiment=teacher_cvrkd_kadid10k", *OURS, *root, "trainer.max_epochs=1")
    return train(*words, folder=home / "teacher")


@pytest.fixture(scope="module")
def words(root: tuple[str, str], teacher: Path, pool: Path) -> tuple[str, ...]:
    """Returns a student's overrides, with a bank of 3."""
    # Standardised labels, so that what little is learnt here lies between 0 and 1.
    given = (f"pool={pool}", f"teacher={teacher}", "bank=3", "data.label_scale=zscore")
    return ("experiment=cvrkd_kadid10k", *OURS, *root, *given)


@pytest.fixture(scope="module")
def student(home: Path, words: tuple[str, ...]) -> Path:
    return train(*words, folder=home / "student")


@pytest.mark.parametrize("name", SWITCHES)
def test_ablation_takes_a_step_by_configuration_alone(
    name: str, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, hook in HOT:
        monkeypatch.setattr(owner, hook, watched(getattr(owner, hook)))
    references, switch = SWITCHES[name]
    module = one_step(*words, *switch, folder=tmp_path / "run")
    assert math.isfinite(module.terms["train/loss"])
    assert (module.distiller is None) == ("distill=false" in switch)
    assert (0 if module.bank is None else len(module.bank)) == references
    if name == "as it is":  # one mixer for all levels: one level, of weight 1
        assert module.terms["train/loss_level"] == module.terms["train/loss_level0"]
        assert module.terms["train/weight_distill"] == 1
        assert "train/loss_level1" not in module.terms


def test_teacher_sees_the_reference_and_the_student_another_picture(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    plain = Distillation.ask

    def asked(self: Distillation, module: Any, batch: Any) -> Any:
        prediction = plain(self, module, batch)
        seen.append(dict(batch["pyramids"]))
        assert self.pair == ("image", "reference")
        assert self.shared
        return prediction

    monkeypatch.setattr(Distillation, "ask", asked)
    module = one_step(*words, folder=tmp_path / "run")
    assert module.pair == ("image", "second")
    assert set(seen[0]) == {"image", "reference", "second"}
    assert not torch.equal(seen[0]["second"][0], seen[0]["reference"][0])


def test_checkpoint_names_its_bank(student: Path, pool: Path) -> None:
    (bank,) = Checkpoint.read(student).description["banks"].values()
    assert len(bank["ids"]) == 3
    assert set(bank["ids"]) < {path.name for path in pool.iterdir()}
    assert re.fullmatch(r"[0-9a-f]{16}", bank["digest"])


def test_scorer_says_what_its_run_stored(student: Path, fake_data: Path) -> None:
    stored = pd.read_csv(student / "predictions" / "test.csv")
    paths = [fake_data / "kadid10k" / name for name in stored["id"]]
    ours = kdiqa.load(student, seed_by="name").score(paths)
    np.testing.assert_allclose(ours, stored["score"].clip(0, 1), rtol=0, atol=1e-5)
    assert len(set(ours)) > 1


def test_no_reference_passes_the_backbone_when_a_picture_is_scored(
    student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[int] = []
    plain = Backbone.forward

    def counted(self: Backbone, images: Any) -> Any:
        passed.extend(len(image) for image in images)
        return plain(self, images)

    monkeypatch.setattr(Backbone, "forward", counted)
    scorer = kdiqa.load(student)
    assert passed == [1, 1, 1]
    scores = [scorer.score(picture(number)) for number in (5, 5, 6)]
    assert passed == [1] * 6  # each image's crops, and no others
    assert scores[0] == scores[1] != scores[2]


def test_bank_of_a_moved_pool_is_found_where_it_is_said_to_be(
    student: Path, pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scorer = kdiqa.load(student)
    pixels = write(tmp_path / "a.png", picture(7))
    copy = shutil.copytree(pool, tmp_path / "moved")
    write(copy / "new.png", picture(90))  # does not change the bank
    moved = kdiqa.load(student, pool=copy)
    assert moved.score(pixels) == scorer.score(pixels)
    assert moved.digest == scorer.digest
    ids = Checkpoint.read(student).description["banks"]["second"]["ids"]
    message = (
        f"3 of the 3 references of the bank are not in '{tmp_path / 'gone'}', the first is"
        f" '{ids[0]}'. {WHERE}"
    )
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        kdiqa.load(student, pool=tmp_path / "gone")
    command = [str(pixels), "--model", str(student), "--workers", "0", "--pool"]
    with pytest.raises(SystemExit):
        predict([*command, str(tmp_path / "gone")])
    assert message.splitlines()[-1] in capsys.readouterr().err
    assert predict([*command, str(copy)]) == 0
    score = float(capsys.readouterr().out.splitlines()[1].split(",")[1])
    assert score == pytest.approx(scorer.score(pixels), abs=1e-5)


def test_other_pictures_under_the_banks_names_are_refused(
    student: Path, pool: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(pool, tmp_path / "other")
    write(copy / Checkpoint.read(student).description["banks"]["second"]["ids"][0], picture(99))
    with pytest.raises(ValueError, match=r"^The bank's 3 references in '.*' bear the right names"):
        kdiqa.load(student, pool=copy)


def test_cost_of_a_score_is_of_the_image_alone_as_the_bank_is_kept(student: Path) -> None:
    measured = cost(student, picture(0, 64, 64), repeats=1)
    assert measured.crops == f"{kdiqa.load(student).views.crops.num} of 32×32"
    assert measured.macs > 0


def test_resumed_run_ends_where_the_whole_run_does(
    home: Path, words: tuple[str, ...], student: Path
) -> None:
    early = (*words, "module.scheduler.T_max=2", "trainer.max_epochs=1")
    folder = train(*early, folder=home / "resumed")
    (folder / "results.json").unlink()
    train(*words, "resume=true", folder=folder)
    states = [
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for run in (student, folder)
    ]
    torch.testing.assert_close(*states, rtol=0, atol=0)
    tables = [run / "predictions" / "test.csv" for run in (student, folder)]
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_kept_features_train_beside_a_pool(
    home: Path, words: tuple[str, ...], fake_data: Path
) -> None:
    cache = ("features=cached", f"cache.folder={home / 'features'}", "cache.views=2")
    folder = train(*words, *cache, folder=home / "cached")
    stored = pd.read_csv(folder / "predictions" / "test.csv")
    paths = [fake_data / "kadid10k" / name for name in stored["id"]]
    ours = kdiqa.load(folder, seed_by="name").score(paths)
    np.testing.assert_allclose(ours, stored["score"].clip(0, 1), rtol=0, atol=2e-3)  # float16


def evaluated(student: Path, fake_data: Path, **options: Any) -> Path:
    given = {"run": str(student), "data": "kadid10k", "teacher": False}
    roots = {"root": {"kadid10k": str(fake_data / "kadid10k")}}
    command = OmegaConf.structured(evaluate.Command)
    (folder,) = evaluate.run(OmegaConf.merge(command, given, roots, options)).values()
    return folder


def test_evaluation_repeats_the_run_and_says_what_other_banks_say(
    student: Path, fake_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = evaluated(student, fake_data, banks=4)
    rows = [pd.read_csv(run / "predictions" / "test.csv") for run in (student, folder)]
    np.testing.assert_allclose(rows[0]["score"], rows[1]["score"], rtol=0, atol=1e-5)
    results = json.loads((folder / "banks_of_3.json").read_text())
    table = pd.read_csv(folder / "banks_of_3.csv")
    scores = table[[f"bank_{seed}" for seed in range(4)]].to_numpy()
    np.testing.assert_allclose(scores[:, 0], rows[0]["score"], rtol=0, atol=1e-5)
    srcc = [table[f"bank_{seed}"].corr(table["mos"], "spearman") for seed in range(4)]
    assert results["metrics"]["srcc"]["mean"] == pytest.approx(np.mean(srcc))
    assert results["metrics"]["srcc"]["std"] == pytest.approx(np.std(srcc, ddof=1))
    assert results["score_std"] == pytest.approx(scores.std(axis=1, ddof=1).mean())
    assert results["score_std"] > 0
    assert [len(bank["ids"]) for bank in results["by_bank"]] == [3] * 4
    assert "4 banks from 12 images" in " ".join(capsys.readouterr().out.split())
    (folder / "banks_of_3.json").unlink()
    evaluated(student, fake_data, banks=2, bank=[1, 12])
    results = [json.loads((folder / f"banks_of_{k}.json").read_text()) for k in (1, 12)]
    assert results[0]["score_std"] > results[1]["score_std"] == 0  # the whole pool is one bank
    assert not (folder / "banks_of_3.json").exists()


def test_banks_that_there_are_none_of_are_told(student: Path, fake_data: Path, pool: Path) -> None:
    message = f"A bank of 13 images cannot be chosen from the 12 in '{pool}'. Set bank to 1 to 12"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        evaluated(student, fake_data, banks=2, bank=13)
    message = (
        f"banks is -1, and '{student}' has 1 bank(s) of references. Ask for 1 bank or more of"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        evaluated(student, fake_data, banks=-1)


@pytest.mark.parametrize("name", ["teacher_cvrkd_tid2013", "teacher_cvrkd_biq2021"])
def test_small_teacher_takes_a_step(name: str, fake_data: Path, tmp_path: Path) -> None:
    words = (f"experiment={name}", f"data.root={fake_data / 'tid2013'}", *BARE)
    assert math.isfinite(one_step(*words, folder=tmp_path / "run").terms["train/loss"])


def test_student_of_photographs_takes_a_step(fake_data: Path, pool: Path, tmp_path: Path) -> None:
    words = ("experiment=cvrkd_biq2021", f"data.root={fake_data / 'biq2021'}", f"pool={pool}")
    teacher = train(
        *("experiment=teacher_cvrkd_biq2021", f"data.root={fake_data / 'tid2013'}", *BARE),
        *("trainer.max_epochs=1", "callbacks.progress=null"),
        folder=tmp_path / "teacher",
    )
    step = (*words, *BARE, f"teacher={teacher}", "callbacks=default")
    module = one_step(*step, folder=tmp_path / "run")
    assert math.isfinite(module.terms["train/loss_level"])
    assert module.bank is not None
    assert len(module.bank) == 5


BARE = ("module.net.backbone.weights=random", "module.net.backbone.name=mobilenetv2_035",
        "module.net.dim=16", "module.net.embed_dim=8", "data.train_crops.size=32",
        "data.test_crops.size=32", "data.num_workers=0", "data.batch_size=8", "features=online",
        "trainer=cpu")  # fmt: skip
