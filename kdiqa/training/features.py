"""Features that are kept: computed once for a run's data, and its teacher's word on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.instantiate import instantiate
from kdiqa.data.pairs.pool import Pool
from kdiqa.training.distillation import Distillation


def keeps_features(cfg: DictConfig) -> bool:
    """Returns whether features are kept; ``features=online`` leaves an experiment's options alone."""
    return cfg.features is not None and "_target_" in cfg.features


def keep_features(cfg: DictConfig, data: Any, module: Any, callbacks: Sequence[Any]) -> None:
    """Lets the data give pyramids of the module's backbone, computed here where they are missing.

    A teacher of the same backbone is asked here once and for all as well.
    """
    cache = instantiate(cfg.features)
    plain: Any = OmegaConf.to_container(cfg.data, resolve=True)
    of_pools = [plain[key] for key in ("train_crops", "test_crops")]
    # A picture of a pool is kept by itself: what images are kept by does not depend on the pool.
    for name in [name for name, pair in data.train_pairs.items() if isinstance(pair, Pool)]:
        if name in plain["pairs"]:
            of_pools.append(plain["pairs"][name].get("crops"))
            plain["pairs"][name] = None
        else:
            of_pools.append(plain["teacher_pairs"].pop(name).get("crops"))
    drawn = ("_target_", "train_crops", "test_crops", "pairs", "teacher_pairs")
    text, pool_text = str([plain[key] for key in drawn]), str(of_pools)

    def kept(dataset: Any, total: int) -> Any:
        net = module.net.backbone
        return cache.dataset(dataset, net, total, text, data.num_workers, pool_text)

    data.keep_features(kept)
    for callback in callbacks:
        if isinstance(callback, Distillation) and cache.teacher:
            net, kept_train = callback.teacher, data.kept["train"]
            same = net.backbone.digest() == module.net.backbone.digest()
            if same and set(callback.pair) <= set(kept_train.names):
                # Two nets of the same weights may still differ, in a sign for instance.
                described = Checkpoint.read(cfg.teacher).description["net"]
                kept_train.add_predictions(net, callback.pair, callback.digest + described)
