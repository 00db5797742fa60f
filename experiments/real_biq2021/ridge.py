"""Ridge regression on the features that the students see: ``python …/ridge.py data.root=…``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from kdiqa.config.compose import compose
from kdiqa.config.instantiate import instantiate
from kdiqa.metrics.correlation import srcc, summarize
from kdiqa.training.features import cache_features

STRENGTHS = 10.0 ** np.arange(-2, 6)  # of the penalty; validation chooses


def features(dataset: object) -> tuple[np.ndarray, np.ndarray]:
    """Returns the image's kept pyramids, flat, :math:`(N, D)`, and the opinions, :math:`(N,)`."""
    samples = [dataset[i] for i in range(len(dataset))]  # type: ignore[arg-type,index]
    flat = [torch.cat([level.flatten() for level in s["pyramids"]["image"]]) for s in samples]
    return torch.stack(flat).double().numpy(), np.array([float(s["mos"]) for s in samples])


def fitted(x: np.ndarray, y: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    """Returns weights and offset that minimise the squared error and the penalty."""
    middle = x.mean(axis=0)
    inner = (x - middle) @ (x - middle).T  # the dual form: fewer images than features
    dual = np.linalg.solve(inner + strength * np.eye(len(y)), y - y.mean())
    weights = (x - middle).T @ dual
    return weights, float(y.mean() - middle @ weights)


def main() -> None:
    """Fits on train, chooses on validation, fits again on both, and tests once."""
    cfg = compose(["experiment=akd_biq2021", "run=none", *sys.argv[1:]])
    data, module = instantiate(cfg.data), instantiate(cfg.module.net)
    data.setup()
    data.check_leaks()  # as a training run does
    cache_features(instantiate(cfg.features), cfg.data, data, module.backbone)
    (x, y), (xv, yv), (xt, yt) = (features(data.cached[part]) for part in ("train", "val", "test"))
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    x, xv, xt = ((part - middle) / spread for part in (x, xv, xt))
    chosen = []
    for strength in STRENGTHS:
        weights, offset = fitted(x, y, strength)
        chosen.append(srcc(xv @ weights + offset, yv))
    best = STRENGTHS[int(np.argmax(chosen))]
    weights, offset = fitted(np.concatenate([x, xv]), np.concatenate([y, yv]), best)
    unit = data.label.to_unit
    found = {"strength": best, "val_srcc": max(chosen)}
    found["test"] = summarize(unit(xt @ weights + offset), unit(yt))
    Path(__file__).with_name("ridge.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
