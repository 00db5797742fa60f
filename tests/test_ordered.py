"""What was ordered, each by one test on made-up data in the authors' layouts.

Elsewhere: bf16-mixed in ``training/test_ablations.py``; W&B's file, read back, in
``board/test_wandb.py``; a multirun on two ranks without a launcher in ``training/test_ddp.py``.
"""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import cv2
import lightning as L
import pytest
import torch
from omegaconf import OmegaConf

from kdiqa.config.instantiate import instantiate
from kdiqa.data.crops import Crops
from kdiqa.data.pairs.pairing import Reference
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.models.backbone import Backbone
from kdiqa.systems.akd.distiller import LevelDistiller
from kdiqa.systems.akd.net import AKDNet
from kdiqa.systems.akd.weighting import SoftmaxWeighting
from kdiqa.training.distillation import Distillation
from kdiqa.training.losses import ScoreLoss
from kdiqa.training.schedules import Constant
from kdiqa.training.student import StudentModule
from kdiqa.training.teacher import TeacherModule
from tests.launchers.jobs import ON_TWO, needs
from tests.launchers.jobs import train as command
from tests.runs import BACKBONE, composed, one_step, train

NAMED = ("live", "csiq", "tid2013", "kadid10k", "koniq10k", "livec")
QUICK = ("trainer=cpu", "callbacks.progress=null", "data.num_workers=0")


def enlarged(source: Path, target: Path) -> Path:
    """Returns a copy of a data set whose images are large enough for crops of 224 pixels."""
    shutil.copytree(source, target)
    for path in target.rglob("*"):
        if path.suffix.lower() in (".png", ".jpg", ".bmp"):
            image = cv2.imread(str(path))
            cv2.imwrite(str(path), cv2.resize(image, None, fx=5, fy=5))
    return target


@pytest.mark.process
def test_akd_koniq_trains_its_published_net(fake_data: Path, tmp_path: Path) -> None:
    limits = (f"trainer.limit_{part}_batches=1" for part in ("train", "val", "test"))
    words = (*QUICK, *limits, "data.batch_size=1", "trainer.max_epochs=1")
    random = "module.net.backbone.weights=random"
    roots = [enlarged(fake_data / name, tmp_path / name) for name in ("kadid10k", "koniq10k")]
    # A teacher of the published depth, on a backbone of its own that is quick.
    quick = ("backbone=mobilenetv2_100", f"module.net.backbone.name={BACKBONE}", random)
    teacher = train(
        *("experiment=teacher_kadid10k", *words, *quick, f"data.root={roots[0]}"),
        folder=tmp_path / "teacher",
    )
    module = one_step(
        *("experiment=akd_koniq", *words, random, f"data.root={roots[1]}"),
        f"teacher={teacher}",
        folder=tmp_path / "student",
    )
    trained = sum(p.numel() for p in module.net.parameters() if p.requires_grad)
    assert trained == 1_840_368  # as the official code has it
    terms = ("train/loss", "train/loss_score", "train/loss_level")
    assert all(torch.tensor(module.terms[name]).isfinite() for name in terms)


@pytest.mark.parametrize("name", NAMED)
def test_each_named_data_module_is_built_and_batched(
    name: str, fake_data: Path, tmp_path: Path
) -> None:
    words = (f"data={name}", f"data.root={fake_data / name}", "second=none", *QUICK)
    cfg = composed(*words, "num_crops=3", "crop_size=32", "data.batch_size=2", folder=tmp_path)
    data = instantiate(cfg.data)
    data.setup()
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        batch = next(iter(loader))
        count = len(batch["mos"])
        assert batch["image"].shape == (count, 3, 3, 32, 32)
        assert batch["mos"].shape == batch["index"].shape == (count,)
        assert ((batch["mos"] >= 0) & (batch["mos"] <= 1)).all()


@pytest.mark.ddp
@pytest.mark.process
def test_a_launchers_jobs_on_two_ranks_are_those_without_a_launcher(
    fake_data: Path, tmp_path: Path
) -> None:
    needs("hydra_joblib_launcher")
    words = ["-m", *ON_TWO, f"data.root={fake_data / 'tid2013'}", "seed=0,1"]
    launched = ["launcher=joblib", "hydra.launcher.n_jobs=1"]
    for name, more in (("plain", []), ("joblib", launched)):
        done = command(*words, *more, f"hydra.sweep.dir={tmp_path / name}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    for job in ("0", "1"):
        plain, joblib = (tmp_path / name / job for name in ("plain", "joblib"))
        configs = [
            OmegaConf.to_yaml(OmegaConf.load(run / "config_resolved.yaml")).replace(str(run), "")
            for run in (plain, joblib)
        ]
        assert configs[0] == configs[1]
        assert f"\nseed: {job}\n" in configs[0]
        # Both ranks had it: with another configuration on one, the gradients would be others.
        states = [
            torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
            for run in (plain, joblib)
        ]
        torch.testing.assert_close(*states, rtol=0, atol=0)


class Epochs(L.Callback):
    """A callback of one's own."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.losses.append(float(trainer.callback_metrics["train/loss_level"]))


def test_teacher_student_and_callbacks_are_classes_in_python(
    fake_data: Path, tmp_path: Path
) -> None:
    L.seed_everything(0, verbose=False)
    data = TID2013(
        fake_data / "tid2013",
        train_crops=Crops(2, 32),
        test_crops=Crops(2, 32),
        pairs={"second": Reference()},
        batch_size=8,
        num_workers=0,
    )

    def net() -> AKDNet:
        backbone = Backbone(BACKBONE, weights="random")
        return AKDNet(backbone, num_crops=2, dim=16, depth=2, distorted_depth=1)

    def trainer(*callbacks: L.Callback) -> L.Trainer:
        return L.Trainer(
            accelerator="cpu", max_epochs=1, callbacks=list(callbacks), default_root_dir=tmp_path,
            logger=False, enable_checkpointing=False, enable_progress_bar=False,
        )  # fmt: skip

    adam = functools.partial(torch.optim.Adam, lr=1e-3)
    teacher = TeacherModule(net=net(), loss=ScoreLoss(), optimizer=adam)
    trainer().fit(teacher, datamodule=data)
    student = StudentModule(
        net=net(), loss=ScoreLoss(), optimizer=adam, distiller=LevelDistiller(SoftmaxWeighting())
    )
    own = Epochs()
    teaching = Distillation(teacher.net, Constant(1.0))
    fitted = trainer(teaching, own)
    fitted.fit(student, datamodule=data)
    fitted.test(student, datamodule=data, verbose=False)
    assert own.losses
    assert all(loss > 0 for loss in own.losses)
    assert set(student.metrics["test"]) >= {"srcc", "plcc", "krcc", "rmse", "n"}
