"""Tiny students and teachers of SSKD, on fakes."""

from __future__ import annotations

from tests.runs import BACKBONE

PLAIN = (
    *("data=tid2013", "net=pooled", "second=alone", "backbone=mobilenetv2_100"),
    f"module.net.backbone.name={BACKBONE}",
    *("module.net.backbone.pyramid.levels=1", "module.net.backbone.pyramid.grid=1"),
    *("module.net.backbone.pyramid.norm=none", "module.net.backbone.frozen=false"),
    *("num_crops=1", "crop_size=32", "data.num_workers=0", "data.batch_size=8"),
    *("trainer=cpu", "trainer.max_epochs=2", "callbacks.progress=null"),
)
TEACHER = (*PLAIN, "distiller=none", "module.net.hidden=16", "name=teacher", "num_test_crops=2")
STUDENT = (*PLAIN, "module=soft_target", "distiller=soft_score", "name=student")
STAGES = (
    "pretrain=['trainer.max_epochs=2','module.alpha={start:1,end:1}','module.optimizer.lr=1e-3']",
)
