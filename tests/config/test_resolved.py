"""What a run's resolved configuration holds is what the run builds, and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import hydra
import pytest
from omegaconf import OmegaConf

from kdiqa.config import instantiate as builder
from kdiqa.config.compose import conf_dir
from kdiqa.config.instantiate import described, instantiate
from kdiqa.training.plan import Plan
from tests.runs import composed

EXPERIMENTS = sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml"))
WORDS = {
    **{f"experiment={name}": (f"experiment={name}",) for name in EXPERIMENTS},
    "without a teacher": ("experiment=akd_demo", "distill=false"),
    "without features": ("experiment=akd_demo", "features=online"),
    **{
        f"distiller={name}": ("experiment=akd_koniq", "backbone=log_filters", f"distiller={name}")
        for name in ("both", "levels_score", "score", "fused", "none")
    },
    "the image alone": ("second=alone", "net=pooled", "backbone=log_filters", "distiller=none"),
}


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Returns how often each target is called."""
    calls: Counter[str] = Counter()
    call = builder._call

    def counted(target: Any, *rest: Any) -> Any:
        calls[f"{target.__module__}.{target.__qualname__}"] += 1
        return call(target, *rest)

    monkeypatch.setattr(builder, "_call", counted)
    return calls


@pytest.mark.parametrize("name", WORDS)
def test_a_resolved_configuration_holds_what_is_built(
    name: str, built: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_BACKBONES", "/weights")
    words = (*WORDS[name], "teacher=/a/run", "++pool=/pictures", "trainer.accelerator=cpu")
    cfg = composed(*words, "module.net.backbone.weights=random", folder=tmp_path)
    Plan.of(cfg, tmp_path)
    plain = OmegaConf.to_container(cfg, resolve=True)
    wanted: Counter[str] = Counter()
    for _, node in described(plain):
        target = hydra.utils.get_object(node["_target_"])
        wanted[f"{target.__module__}.{target.__qualname__}"] += 1
    instantiate(cfg.data)
    instantiate(cfg.module)
    for node in (*cfg.callbacks.values(), *cfg.logger.values()):
        if node is not None:
            instantiate(node)
    instantiate(cfg.trainer)
    assert built == wanted
