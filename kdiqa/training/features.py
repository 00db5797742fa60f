"""Cached features: computed once for a run's data, in place of a backbone in every step."""

from typing import Any, Literal

from omegaconf import DictConfig, OmegaConf

from kdiqa.runtime.words import check_word


def caches_features(cfg: DictConfig) -> bool:
    """Returns whether features are cached."""
    check_word("features", cfg.features, Literal["online", "cached"])
    return bool(cfg.features == "cached")


def cache_features(cache: Any, node: DictConfig, data: Any, backbone: Any) -> None:
    """Lets the data give pyramids of a frozen backbone, computed here where the cache lacks them.

    The data's configuration (the node) names the crops in the cache's keys.
    """
    plain: Any = OmegaConf.to_container(node, resolve=True)
    of_pools = [plain[key] for key in ("train_crops", "test_crops")]
    # An image of a pool is cached by itself: what others are cached by does not depend on the pool.
    pools = {name: pair for name, pair in data.train_pairs.items() if pair.draws}
    for name, pool in pools.items():
        of_pools.append(sorted({str(record.image.resolve().parent) for record in pool.records()}))
        if name in plain["pairs"]:
            of_pools.append(plain["pairs"][name].get("crops"))
            plain["pairs"][name] = None
        else:
            of_pools.append(plain["teacher_pairs"].pop(name).get("crops"))
    drawn = ("_target_", "train_crops", "test_crops", "pairs", "teacher_pairs")
    # Two copies of a data set have rows of their own: none waits for the other's to be overwritten.
    text = str([str(data.root.resolve()), *(plain[key] for key in drawn)])
    pool_text = str(of_pools)

    def cached(dataset: Any, total: int) -> Any:
        return cache.dataset(dataset, backbone, total, text, data.num_workers, pool_text)

    data.cache_features(cached)
