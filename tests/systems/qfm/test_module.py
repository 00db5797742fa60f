"""The complete step on fakes: every ablation, both passes, resume, and that inference forgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf

import kdiqa
from kdiqa import evaluate
from kdiqa.data.scale import Label
from kdiqa.scorer.many import scored
from kdiqa.systems.qfm.module import NoiseMatchingModule
from kdiqa.training.distillation import Distillation
from tests.runs import one_step, train, write_weights
from tests.synchronisation import watched

FIRST_VERSION = (
    "module.matching.rule=off",
    "module.contrast={_target_:kdiqa.systems.qfm.losses.QualityContrast,delta:0.05}",
)
QUICK = (
    *("data.num_workers=0", "data.batch_size=8", "data.guard=warn", "trainer=cpu"),
    *("trainer.max_epochs=2", "callbacks.progress=null"),
)
TOKENS = (
    *QUICK,
    *("features=online", "module.net.backbone.name=test_efficientnet", "module.net.dim=16"),
    *("module.net.backbone.pyramid.taps=stages", "module.net.backbone.options={}"),
    *("data.train_crops.size=32", "data.test_crops.size=32", "module.memory.size=20"),
    *("data.teacher_pairs.view.crops.size=32", "data.teacher_pairs.view.crops.resize=40"),
)
VIT = (
    *(*QUICK, "module.net.backbone.name=test_vit", "module.net.backbone.weights=random"),
    *(
        "module.net.backbone.pyramid.grid=5",
        "crop_size=160",
        "num_test_crops=2",
        "module.net.dim=64",
    ),
    *("module.net.heads=4", "module.memory.size=20", "trainer.precision=32-true"),
)
ABLATIONS: dict[str, tuple[str, ...]] = {
    "system": (),
    "no SNM": ("module.matching.rule=off",),
    "no consistency": ("module.consistency=0",),
    "no gate": ("module.net.gate=false",),
    "no DLE": ("distill=false",),
    "random teacher": ("callbacks.distillation.teacher.random_head=true",),
    "beta": ("module.noise.beta=0.1", "module.noise.ramp_epochs=0"),
    "beta by the gate": ("module.noise.by_gate=true", "module.noise.ramp_epochs=0"),
    "delta": ("module.matching.delta=0.2",),
    "m": ("module.matching.candidates=2", "module.matching.nearest=3"),
    "small memory": ("module.memory.size=4",),
    "in the batch": ("module.memory.size=0",),
    "frozen semantics": ("module.semantic=frozen",),
    "random": ("module.matching.rule=random",),
    "high": ("module.matching.rule=high_sem_sim",),
    "adversarial": ("module.matching.adversarial=true", "module.noise.ramp_epochs=0"),
    "adain": ("module.noise.kind=adain", "module.noise.ramp_epochs=0"),
    "mix": ("module.noise.kind=mix", "module.noise.ramp_epochs=0"),
    "first version": FIRST_VERSION,
    "first version, no DLE": (*FIRST_VERSION, "distill=false"),
    "two crops": ("data.train_crops.mode=random", "data.train_crops.num=2", "data.teacher_pairs.view.crops.num=2"),
    "bf16": ("trainer.precision=bf16-mixed",),
}  # fmt: skip


@pytest.fixture(scope="module")
def root(home: Path, fake_data: Path) -> tuple[str, ...]:
    weights = write_weights(home / "weights.pth")
    return (f"data.root={fake_data / 'biq2021'}", f"module.net.backbone.weights={weights}")


@pytest.fixture(scope="module")
def teacher(home: Path, root: tuple[str, ...]) -> Path:
    words = ("experiment=qfm_biq2021", "distill=false", *TOKENS, *root, "trainer.max_epochs=1")
    return train(*words, folder=home / "teacher")


@pytest.fixture(scope="module")
def words(root: tuple[str, ...], teacher: Path) -> tuple[str, ...]:
    return ("experiment=qfm_biq2021", *TOKENS, *root, f"teacher={teacher}")


@pytest.fixture(scope="module")
def student(home: Path, words: tuple[str, ...]) -> Path:
    return train(*words, folder=home / "student")


def saved(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablation_takes_a_step_that_waits_for_no_value(
    name: str, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, hook in (
        (Distillation, "on_train_batch_start"),
        (Distillation, "on_train_batch_end"),
        (NoiseMatchingModule, "training_step"),
    ):
        monkeypatch.setattr(owner, hook, watched(getattr(owner, hook)))
    module: Any = one_step(*words, *ABLATIONS[name], folder=tmp_path / "run")
    terms = {k.removeprefix("train/loss_"): v for k, v in module.terms.items() if "loss_" in k}
    assert module.terms["train/loss"] == pytest.approx(sum(terms.values()), rel=1e-5)
    noisy = not ("rule=off" in str(ABLATIONS[name]) or "first version" in name)
    assert ("noisy" in terms) == noisy
    assert ("view_score" in terms) == ("DLE" not in name)
    assert ("noisy_view" in terms) == (noisy and "DLE" not in name)
    assert ("contrast" in terms) == ("first version" in name)
    assert ("gate" in terms) == (name != "no gate")
    moved = module.trainer.optimizers[0].state  # of what had a gradient, and of nothing else
    for key, parameter in module.net.named_parameters():
        assert parameter.requires_grad == (parameter in moved), key


def test_memory_knows_images_and_views_by_their_scores_in_unit_scale(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    module: Any = one_step(*words, folder=tmp_path / "run")  # labels are z-scores
    held, data = module.memory.held, module.trainer.datamodule
    assert held.image.tolist() == held.image[:8].tolist() * 2
    labels = torch.tensor([data.records[i].mos for i in held.image[:8]])
    torch.testing.assert_close(held.score[:8], labels.float())
    assert held.weight.tolist() == [1.0] * 8 + [0.5] * 8
    assert held.tokens.dtype == torch.float16


def test_teacher_of_another_scale_is_read_on_the_students(
    words: tuple[str, ...], teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = torch.load(teacher / "checkpoints" / "best.ckpt", weights_only=True)
    saved["kdiqa"]["data"]["label"] |= {"upper": 5.0, "scale": "raw"}  # whatever it has learnt
    torch.save(saved, tmp_path / "raw.ckpt")
    heard: list[torch.Tensor] = []
    ask = Distillation.ask

    def noted(self: Distillation, module: Any, batch: Any) -> Any:
        heard.append(ask(self, module, batch).score)
        return ask(self, module, batch)

    monkeypatch.setattr(Distillation, "ask", noted)
    module: Any = one_step(*words, f"teacher={tmp_path / 'raw.ckpt'}", folder=tmp_path / "run")
    ours: Label = module.trainer.datamodule.label
    assert ours.scale == "zscore"
    scale, offset = module.teachers_scale
    assert scale * 3.5 + offset == pytest.approx((3.5 / 5.0 - ours.mean) / ours.std)
    torch.testing.assert_close(module.memory.held.score[8:], heard[0] / 5.0)


def test_inference_knows_neither_memory_nor_teacher(student: Path, fake_data: Path) -> None:
    scorer = kdiqa.load(student)
    assert not {"memory", "matching", "noise"} & set(vars(scorer.net))
    assert scorer.pair == ("image",)
    photo = sorted((fake_data / "biq2021" / "Images").iterdir())[0]
    assert scorer.score(photo) == scorer.score(photo)
    names = saved(student)["state_dict"]
    assert all(name.startswith("net.") for name in names)


def test_finished_run_evaluates_and_predicts_as_it_tested(
    student: Path, teacher: Path, fake_data: Path
) -> None:
    given = {"run": str(student), "data": "biq2021"}
    folders = evaluate.run(OmegaConf.merge(OmegaConf.structured(evaluate.Command), given))
    # The first pass sees no second image either, and has the student's name here.
    assert list(folders) == ["QFM-IQM on biq2021", "QFM-IQM on biq2021, its teacher"]
    tables = [
        pd.read_csv(f / "predictions" / "test.csv") for f in (*folders.values(), student, teacher)
    ]
    for ours, theirs in zip(tables[:2], tables[2:], strict=True):
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-5, atol=1e-6)
    scorer = kdiqa.load(student)
    photos = sorted(map(str, (fake_data / "biq2021" / "Images").iterdir()))[:3]
    (rows,) = scored(scorer, photos, batch_size=3)
    assert [row.score for row in rows] == pytest.approx(scorer.score(photos), abs=1e-5)


def test_resumed_run_ends_where_the_whole_one_does(
    home: Path, words: tuple[str, ...], student: Path
) -> None:
    early = (*words, "module.scheduler.T_max=2", "trainer.max_epochs=1")
    folder = train(*early, folder=home / "resumed")
    (folder / "results.json").unlink()
    train(*words, "resume=true", folder=folder)
    a, b = saved(student), saved(folder)
    torch.testing.assert_close(a["state_dict"], b["state_dict"], rtol=0, atol=0)
    torch.testing.assert_close(a["memory"], b["memory"], rtol=0, atol=0)
    assert len(a["memory"]) == 1
    assert len(a["memory"][0]["score"]) == 20


def test_fine_tuned_vit_trains_with_both_rates_and_a_frozen_copy_for_its_matches(
    fake_data: Path, tmp_path: Path
) -> None:
    words = ("experiment=qfm_koniq", *VIT, f"data.root={fake_data / 'koniq10k'}")
    every = (
        "trainer.check_val_every_n_epoch=2",
        "callbacks.checkpoint.every_n_epochs=2",
        "callbacks.last.every_n_epochs=1",
    )
    first = train(*words, *every, "distill=false", folder=tmp_path / "first")
    assert (first / "results.json").is_file()
    more = ("callbacks=frozen_semantics", "callbacks.progress=null", "module.semantic=frozen")
    folder = train(*words, *every, *more, f"teacher={first}", folder=tmp_path / "second")
    state = saved(folder)
    groups = state["optimizer_states"][0]["param_groups"]
    assert [group["name"] for group in groups] == ["head", "backbone"]
    assert groups[0]["initial_lr"] == groups[1]["initial_lr"] == 2e-4
    assert state["memory"][0]["semantic"].shape == (20, 64)
    assert not any("semantic" in name for name in state["state_dict"])


def test_frozen_matches_of_a_trained_backbone_need_a_frozen_copy(
    fake_data: Path, tmp_path: Path
) -> None:
    words = ("experiment=qfm_koniq", "data=livec", *VIT, f"data.root={fake_data / 'livec'}")
    words = (*words, "~data.image_size", "distill=false")
    message = (
        r"^module.semantic=frozen asks for features of a backbone that stays as it is, and this one"
        r" is trained. Add a frozen copy of it \(callbacks=frozen_semantics\), or set"
        r" module.semantic=student.$"
    )
    with pytest.raises(RuntimeError, match=message):
        one_step(*words, "module.semantic=frozen", folder=tmp_path / "run")
    module: Any = one_step(*words, folder=tmp_path / "other")
    assert module.terms["train/loss"] > 0


def test_kept_features_give_the_step_what_the_backbone_would(
    home: Path, words: tuple[str, ...], student: Path
) -> None:
    cache = ("features=cached", f"cache.folder='{home / 'features'}'")
    folder = train(*words, *cache, folder=home / "cached")
    assert set(saved(folder)["state_dict"]) == set(saved(student)["state_dict"])
    assert saved(folder)["memory"][0]["image"].equal(saved(student)["memory"][0]["image"])


def test_unknown_source_of_meaning_is_named(words: tuple[str, ...], tmp_path: Path) -> None:
    message = r"^module.semantic is 'clip'; it is one of: student, frozen\.$"
    with pytest.raises(ValueError, match=message):
        one_step(*words, "module.semantic=clip", folder=tmp_path / "run")
